"""Verifies a webhook with PyPI's standardwebhooks; a changed body must not pass.

verify.py < {"payload", "headers", "secret"}
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

told = json.load(sys.stdin)
webhook = Webhook(told["secret"])
webhook.verify(told["payload"], told["headers"])
try:
    webhook.verify(told["payload"].replace("5000", "5001"), told["headers"])
except WebhookVerificationError:
    print("verified")
else:
    sys.exit("a changed body passed")
