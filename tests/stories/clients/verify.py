"""Verifies a webhook with PyPI's standardwebhooks; a changed body must not pass.

verify.py < {"payload", "headers", "secret"}
"""

import json
import sys

from standardwebhooks import Webhook, WebhookVerificationError

received = json.load(sys.stdin)
webhook = Webhook(received["secret"])
webhook.verify(received["payload"], received["headers"])
try:
    webhook.verify(received["payload"].replace("5000", "5001"), received["headers"])
except WebhookVerificationError:
    print("verified")
else:
    sys.exit("a changed body passed")
