curl https://api.finfusion.cloud/v2/payments/pay_1234567890 \
-H "Authorization: Bearer YOUR_API_KEY"
