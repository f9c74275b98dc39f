"""S001's payment with requests: pay.py URL KEY < body."""

import json
import sys

import requests

url, key = sys.argv[1:]
headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
response = requests.post(url, headers=headers, json=json.load(sys.stdin), timeout=20)
print(json.dumps({"status": response.status_code, "body": response.json()}))
