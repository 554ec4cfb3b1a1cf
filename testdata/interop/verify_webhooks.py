"""Deliveries of dexetl are what two other implementations of Standard Webhooks take
for signed: with the new secret, within a day of a rotation with the old one too, and
with no byte of them changed.

    verify_webhooks.py DELIVERIES

DELIVERIES has a JSON object a line: headers, body, good and bad secrets.
"""

import json
import sys

import standardwebhooks.webhooks
import svix.webhooks

LIBRARIES = [standardwebhooks.webhooks, svix.webhooks]


def takes(library, secret, body, headers):
    """Whether a library takes a delivery for signed with a secret."""
    try:
        library.Webhook(secret).verify(body, headers)
    except library.WebhookVerificationError:
        return False
    return True


def changed(text):
    """A text with one character changed, at each of some places."""
    for i in range(0, len(text), max(1, len(text) // 50)):
        yield text[:i] + chr(ord(text[i]) ^ 1) + text[i + 1 :]


def main(path):
    checked = refused = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            d = json.loads(line)
            headers = {name.lower(): value for name, value in d["headers"].items()}
            families = {
                "webhook": {k: v for k, v in headers.items() if k.startswith("webhook-")},
                "svix": {k: v for k, v in headers.items() if k.startswith("svix-")},
            }
            for library in LIBRARIES:
                for name, family in families.items():
                    if name == "svix" and library is standardwebhooks.webhooks:
                        continue  # it knows the standard's names alone
                    for secret in d["good"]:
                        assert takes(library, secret, d["body"], family), (library, name, d["body"])
                        checked += 1
                    for secret in d["bad"]:
                        assert not takes(library, secret, d["body"], family), (library, name)
                    for body in changed(d["body"]):
                        assert not takes(library, d["good"][0], body, family), (library, name, body)
                        refused += 1
                    for key in family:
                        if key.endswith("-signature"):
                            continue
                        other = {**family, key: next(changed(family[key]))}
                        assert not takes(library, d["good"][0], d["body"], other), (library, key)
                        refused += 1
    assert checked and refused
    print(f"webhooks: {checked} signatures taken, {refused} changed deliveries refused, by standardwebhooks and svix")


if __name__ == "__main__":
    main(sys.argv[1])
