curl -X POST https://api.finfusion.cloud/v2/customers \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"email": "customer@example.com",
"name": "John Doe",
"metadata": {
"company": "Acme Inc"
}
}'
