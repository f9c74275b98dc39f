"""A payment by the client that openapi-python-client makes of the document: pay.py URL KEY"""

import json
import sys

from client import AuthenticatedClient
from client.api.payments import create_payment, get_payment
from client.models import Card, ErrorBody, Payment, PaymentToCreate, PaymentToCreatePaymentMethod

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)
body = PaymentToCreate(
    amount=5000,
    currency="USD",
    payment_method=PaymentToCreatePaymentMethod.CARD,
    card=Card(number="4242424242424242", exp_month=12, exp_year=2030, cvc="123"),
)
paid = create_payment.sync(client=client, body=body, idempotency_key="python")
assert isinstance(paid, Payment), paid
read = get_payment.sync(client=client, id=paid.id)
assert isinstance(read, Payment), read
missing = get_payment.sync(client=client, id="none")
assert isinstance(missing, ErrorBody), missing
said = {"status": paid.status, "read": read.status, "missing": missing.error.code}
print(json.dumps(said))
