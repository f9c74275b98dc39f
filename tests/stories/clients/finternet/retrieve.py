import requests
response = requests.get(
f'https://api.finternet.com/v1/payment-intents/{intent_id}',
headers={'X-API-Key': os.environ['FINTERNET_API_KEY']}
)
payment_intent = response.json()
print(payment_intent['data']['status'])
