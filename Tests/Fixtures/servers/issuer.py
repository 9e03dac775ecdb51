"""An identity provider for tests: HTTPS with a key set, and tokens made by PyJWT, good and forged.

Arguments: certificate, private key. One line of JSON says where it is and what it made; it ends with its standard
input.
"""

import base64
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import threading
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

KEYS = {
    "ec": (ec.generate_private_key(ec.SECP256R1()), "ES256", ECAlgorithm),
    "wide": (ec.generate_private_key(ec.SECP384R1()), "ES384", ECAlgorithm),
    "widest": (ec.generate_private_key(ec.SECP521R1()), "ES512", ECAlgorithm),
    "ed": (ed25519.Ed25519PrivateKey.generate(), "EdDSA", OKPAlgorithm),
    "rsa": (rsa.generate_private_key(public_exponent=65537, key_size=2048), "RS256", RSAAlgorithm),
    "rsa512": (rsa.generate_private_key(public_exponent=65537, key_size=3072), "RS512", RSAAlgorithm),
    "pss": (rsa.generate_private_key(public_exponent=65537, key_size=2048), "PS256", RSAAlgorithm),
}
counts = {}


def key_set():
    keys = []
    for name, (key, algorithm, kind) in KEYS.items():
        entry = json.loads(kind.to_jwk(key.public_key()))
        entry.pop("key_ops", None)
        entry.update(kid=name, use="sig", alg=algorithm)
        keys.append(entry)
    return json.dumps({"keys": keys}).encode()


def claims(issuer, **changes):
    now = int(time.time())
    found = {"iss": issuer, "aud": ["gateway"], "sub": "person", "iat": now, "nbf": now, "exp": now + 600}
    found.update(changes)
    return found


def hand_made(issuer, algorithm, secret):
    """What PyJWT refuses to make."""
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")  # noqa: E731
    text = part({"alg": algorithm, "typ": "JWT", "kid": "rsa"}) + b"." + part(claims(issuer))
    mac = hmac.new(secret, text, hashlib.sha256).digest() if secret else b""
    return (text + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        counts[self.path] = counts.get(self.path, 0) + 1
        status, body, location = 200, b"", None
        if self.path == "/keys":
            body = key_set()
        elif self.path == "/moved":
            status, location = 302, "/keys"
        elif self.path == "/large":
            body = b'{"keys":[],"x":"' + b"x" * (2 << 20) + b'"}'
        elif self.path == "/failing":
            status = 500
        elif self.path == "/count":
            body = str(counts.get("/keys", 0)).encode()
        else:
            status = 404
        self.send_response(status)
        if location:
            self.send_header("location", location)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://localhost:{server.server_port}"
    sign = lambda name, **changes: jwt.encode(  # noqa: E731
        claims(url, **changes), KEYS[name][0], algorithm=KEYS[name][1], headers={"kid": name}
    )
    pem = KEYS["rsa"][0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    stranger = ec.generate_private_key(ec.SECP256R1())
    said = {
        "url": url,
        "good": {name: sign(name) for name in KEYS},
        "bad": {
            "expired": sign("ec", exp=int(time.time()) - 60),
            "audience": sign("ec", aud="billing"),
            "issuer": sign("ec", iss="https://evil.example"),
            "early": sign("ec", nbf=int(time.time()) + 3600),
            "stranger": jwt.encode(claims(url), stranger, algorithm="ES256", headers={"kid": "ec"}),
            "unknown key": jwt.encode(claims(url), stranger, algorithm="ES256", headers={"kid": "stranger"}),
            "no key id": jwt.encode(claims(url), KEYS["ec"][0], algorithm="ES256"),
            "none": jwt.encode(claims(url), None, algorithm="none", headers={"kid": "ec"}),
            "HMAC with the public key": hand_made(url, "HS256", pem),
        },
    }
    print(json.dumps(said), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
