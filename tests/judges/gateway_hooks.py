"""Hooks of schemathesis for the gateway: requests are signed as an officer's (RFC 9421), and the description gets real ids of
the ledger as examples, so that answers with records are judged and not only refusals.

KEIS_JUDGE_URL is the gateway; KEIS_JUDGE_KEY a file with the officer's secret key, 64 hexadecimal digits.
"""

import base64
import os
import secrets
import time
from urllib.parse import urlsplit

import requests
import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from requests.auth import AuthBase

GATEWAY = os.environ["KEIS_JUDGE_URL"].rstrip("/")
LIFE_SECONDS = 240


class Signed(AuthBase):
    """Signs a request as its reader."""

    def __init__(self, path):
        with open(path, encoding="ascii") as file:
            self.key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(file.read().strip()))
        self.name = "key_" + self.key.public_key().public_bytes_raw().hex()

    def __call__(self, request):
        if request.body:
            return request
        url, now = urlsplit(request.url), int(time.time())
        parameters = (
            '("@method" "@authority" "@path" "@query");'
            f'created={now};expires={now + LIFE_SECONDS};nonce="{secrets.token_hex(16)}";'
            f'keyid="{self.name}";alg="ed25519";tag="keis"'
        )
        base = "\n".join(
            [
                f'"@method": {request.method}',
                f'"@authority": {url.netloc.lower()}',
                f'"@path": {url.path or "/"}',
                f'"@query": ?{url.query}',
                f'"@signature-params": {parameters}',
            ]
        )
        signature = base64.b64encode(self.key.sign(base.encode())).decode()
        request.headers["Signature-Input"] = f"keis={parameters}"
        request.headers["Signature"] = f"keis=:{signature}:"
        return request


OFFICER = Signed(os.environ["KEIS_JUDGE_KEY"])
schemathesis.auth.set_from_requests(OFFICER)


def read(path):
    """An answer of the gateway; nothing where it has none."""
    answer = requests.get(GATEWAY + path, auth=OFFICER, timeout=30)
    return answer.json() if answer.ok else None


def first(page, name="id"):
    """A field of the first item of a list."""
    items = (page or {}).get("items") or []
    return items[0].get(name) if items else None


def world():
    """One real id of every kind that the ledger has."""
    year = read("/v1/parameters")["years"][-1]["year"]
    known = {"year": year, "keys": OFFICER.name, "from": 1, "height": 1, "limit": 2, "proof": 1}
    services = read("/v1/services")
    known["services"] = (services.get("services") or services.get("items"))[0]["id"]
    service = read(f"/v1/services/{known['services']}")
    known["providers"], known["documents"] = service["provider"], service["terms"]["document"]
    sessions = read(f"/v1/services/{known['services']}/sessions?year={year}")["sessions"]
    if sessions:
        known["sessions"] = sessions[0]["id"]
    orders = read(f"/v1/orders?year={year}&limit=1")
    known["orders"] = first(orders)
    if known["orders"]:
        known["schools"] = orders["items"][0]["order"]["school"]
    known["pupils"] = first(read(f"/v1/pupils?year={year}&limit=1"), "pupil")
    known["statements"] = first(read(f"/v1/statements?year={year}&limit=1"))
    known["decisions"] = first(read("/v1/decisions?limit=1"))
    receipts = read("/v1/blocks/1/receipts")["receipts"]
    known["transactions"] = receipts[0]["id"] if receipts else None
    known["receipts"], known["settlements"] = known["transactions"], known["statements"]
    return {name: value for name, value in known.items() if value is not None}


def kind(path, name):
    """What a parameter names, by the word for it in addresses."""
    if name == "id":
        return path.split("/{id}")[0].rsplit("/", 1)[-1]
    if name == "cursor":
        return path.rsplit("/", 1)[-1]
    return {"school": "schools", "provider": "providers", "order": "orders", "key": "keys"}.get(name, name)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    known = world()
    for path, item in raw_schema["paths"].items():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                value = known.get(kind(path, parameter["name"]))
                # A list from its beginning on is better than one after its only item.
                if value is not None and parameter["name"] not in ("cursor", "school", "provider", "order"):
                    parameter["example"] = value
