"""A stand-in for Azure Key Vault and Microsoft Entra ID, for tests.

There is no emulator of Key Vault among Debian's packages or on PyPI. This is written from Microsoft's REST
documentation ("Get Secret", "Authentication, requests and responses", "OAuth 2.0 client credentials flow") and has
never been compared with the real service: it shows that we speak as documented, not that Azure does.

One line of JSON says where it is; it ends with its standard input.
"""

import http.server
import json
import os
import secrets
import sys
import threading
import urllib.parse

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
PASSWORD = "p+a/s s~w&o=rd"
KEY = secrets.token_hex(32)
tokens = {}
counts = {}
log = []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, **fields):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(data)))
        for name, value in fields.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, code):
        self.answer(status, {"error": {"code": code, "message": "no"}})

    def challenge(self, resource):
        authority = f"http://127.0.0.1:{self.server.server_port}/{TENANT}"
        if "other-tenant" in self.path:
            authority = authority.replace("1111", "9999")
        self.answer(
            401,
            {"error": {"code": "Unauthorized", "message": "no token"}},
            WWW_Authenticate=f'Bearer authorization="{authority}", resource="{resource}"',
        )

    def do_GET(self):
        own = f"http://127.0.0.1:{self.server.server_port}"
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/log":
            return self.answer(200, log)
        parts = url.path.strip("/").split("/")
        counts[url.path] = counts.get(url.path, 0) + 1
        if urllib.parse.parse_qs(url.query).get("api-version") != ["7.4"]:
            return self.refuse(400, "BadParameter")
        if len(parts) not in (2, 3) or parts[0] != "secrets":
            return self.refuse(404, "NotFound")
        name = parts[1]
        if name == "moved":
            return self.answer(302, {}, Location=own + "/secrets/key?api-version=7.4")
        if name == "greedy":
            return self.challenge("https://management.azure.com")
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or tokens.get(token) != own + "/.default":
            return self.challenge(own)
        if name == "forbidden":
            return self.refuse(403, "Forbidden")
        if name == "busy" and counts[url.path] < 4:
            return self.refuse(429, "Throttled")
        if name == "always-busy":
            return self.refuse(429, "Throttled")
        values = {"key": KEY, "busy": KEY, "short": KEY[:10]}
        version = parts[2] if len(parts) == 3 else "v1"
        if name not in values or version != "v1":
            return self.refuse(404, "SecretNotFound")
        self.answer(200, {"value": values[name], "id": own + url.path + "/v1", "attributes": {"enabled": True}})

    def do_POST(self):
        form = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        fields = urllib.parse.parse_qs(form, strict_parsing=True)
        log.append({"path": self.path, "scope": fields.get("scope")})
        right = (
            self.path == f"/{TENANT}/oauth2/v2.0/token"
            and self.headers.get("content-type") == "application/x-www-form-urlencoded"
            and fields.get("grant_type") == ["client_credentials"]
            and fields.get("client_id") == [CLIENT]
        )
        if not right:
            return self.answer(400, {"error": "invalid_request"})
        if fields.get("client_secret") != [PASSWORD]:
            return self.answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215"})
        token = secrets.token_urlsafe(40)
        tokens[token] = fields["scope"][0]
        self.answer(200, {"token_type": "Bearer", "expires_in": 3599, "access_token": token})

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    print(json.dumps({"url": url, "tenant": TENANT, "client": CLIENT, "password": PASSWORD, "hex": KEY}), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
