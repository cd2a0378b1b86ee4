"""tokens.py - registry tokens taken apart, verified with the published keys, and forged with a key of our own.

Elliptic curves come from the openssl program: Python's standard library has none.
"""
import base64
import json
import os
import re
import subprocess
import time

_SPKI_P256 = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def header(token):
    return json.loads(decode(token.split(".")[0]))


def claims(token):
    return json.loads(decode(token.split(".")[1]))


def _openssl(*words, data=None):
    done = subprocess.run(["openssl", *words], input=data, capture_output=True, check=False)
    return done.returncode, done.stdout


def _integer(raw):
    raw = raw.lstrip(b"\0") or b"\0"
    raw = b"\0" + raw if raw[0] & 0x80 else raw
    return b"\x02" + bytes([len(raw)]) + raw


def verifies(token, jwk, directory):
    """Whether the signature is good under a JWK of the published set (RFC 7518 section 3.4)."""
    signed, signature = token.rsplit(".", 1)
    raw = decode(signature)
    body = _integer(raw[:32]) + _integer(raw[32:])
    paths = {name: os.path.join(directory, name) for name in ("key.pem", "signature", "signed")}
    key = base64.encodebytes(_SPKI_P256 + b"\x04" + decode(jwk["x"]) + decode(jwk["y"])).decode()
    with open(paths["key.pem"], "w", encoding="ascii") as f:
        f.write(f"-----BEGIN PUBLIC KEY-----\n{key}-----END PUBLIC KEY-----\n")
    with open(paths["signature"], "wb") as f:
        f.write(b"\x30" + bytes([len(body)]) + body)
    with open(paths["signed"], "wb") as f:
        f.write(signed.encode())
    code, _ = _openssl("dgst", "-sha256", "-verify", paths["key.pem"], "-signature", paths["signature"], paths["signed"])
    return code == 0


class Forger:
    """A signing key of ours whose public half is put into the stack's table: every claim can then be wrong, one at a time."""

    def __init__(self, stack, directory):
        self.key = os.path.join(directory, "forger.pem")
        _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.key)
        _, text = _openssl("pkey", "-in", self.key, "-pubout", "-outform", "DER")
        point = text[len(_SPKI_P256) + 1:]
        self.kid = encode(os.urandom(12)).replace("-", "a").replace("_", "b")
        self.jwk = {"kty": "EC", "crv": "P-256", "x": encode(point[:32]), "y": encode(point[32:]), "kid": self.kid, "alg": "ES256",
                    "use": "sig"}
        now = int(time.time() * 1000)
        stack.sql("INSERT INTO service_key (kid, public_jwk, private_enc, created_ms, retires_ms, expires_ms) VALUES "
                  f"('{self.kid}', 0x{json.dumps(self.jwk).encode().hex()}, 0x00, {now - 3600000}, {now - 1000}, {now + 86400000})")
        self.stack = stack

    def sign(self, payload, head=None):
        head = {"typ": "JWT", "alg": "ES256", "kid": self.kid, **(head or {})}
        text = encode(json.dumps(head).encode()) + "." + encode(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        _, der = _openssl("dgst", "-sha256", "-sign", self.key, data=text.encode())
        found = re.match(rb"\x30.\x02(.)", der, re.S)
        n = found.group(1)[0]
        r, s = der[4:4 + n], der[6 + n:]
        raw = b"".join(part.lstrip(b"\0").rjust(32, b"\0") for part in (r, s))
        return text + "." + encode(raw)

    def renewed(self, token, **changes):
        """The claims of a token with some changed (None takes one out), signed by us."""
        payload = {**claims(token), **changes}
        return self.sign({key: value for key, value in payload.items() if value is not None})


def tampered(token):
    """The same token with one bit of its claims turned."""
    head, body, signature = token.split(".")
    payload = claims(token)
    payload["exp"] += 1
    return ".".join((head, encode(json.dumps(payload).encode()), signature))
