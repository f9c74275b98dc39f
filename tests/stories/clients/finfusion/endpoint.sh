curl -X POST https://api.finfusion.cloud/v2/webhooks \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"url": "https://example.com/webhooks",
"events": ["payment.succeeded", "payment.failed"],
"metadata": {
"environment": "production"
}
}'
