import requests
url = "https://api.paymentgateway.com/v1/transactions"
headers = {
"Authorization": "Bearer YOUR_API_KEY",
"Content-Type": "application/json"
}
params = {
"limit": 20,
"status": "succeeded"
}
response = requests.get(url, headers=headers, params=params)
print(response.json())
