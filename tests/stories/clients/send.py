"""Sends the request that stands in an .http file with requests, as send.sh does with curl."""

import sys

import requests

head, _, body = sys.stdin.read().partition("\n\n")
first, *lines = head.splitlines()
method, url = first.split()
headers = dict(line.split(": ", 1) for line in lines)
response = requests.request(method, url, headers=headers, data=body or None, timeout=20)
print(response.text)
print(response.status_code)
