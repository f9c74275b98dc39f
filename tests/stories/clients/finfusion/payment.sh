curl -X POST https://api.finfusion.cloud/v2/payments \
-H "Authorization: Bearer YOUR_API_KEY" \
-H "Content-Type: application/json" \
-d '{
"amount": {
"value": 1000,
"currency": "USD"
},
"payment_method": {
"type": "card",
"card": {
"number": "4242424242424242",
"exp_month": 12,
"exp_year": 2024,
"cvc": "123"
}
},
"metadata": {
"order_id": "order_123",
"customer_id": "cust_456"
}
}'
