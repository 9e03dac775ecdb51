"""A byte-exact client: sends what it is given and reads what comes, without the good manners of a library."""

import json
import socket
import time

from conftest import GATEWAY_KEY


class Wire:
    def __init__(self, port: int, receive_buffer: int | None = None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def read_until(self, mark: bytes, seconds: float = 10) -> bytes:
        """Everything up to and with `mark`; what follows is kept."""
        deadline = time.monotonic() + seconds
        while mark not in self.received:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            data = self.socket.recv(65536)
            if not data:
                raise AssertionError(f"closed before {mark!r}: {self.received!r}")
            self.received += data
        found, _, self.received = self.received.partition(mark)
        return found + mark

    def read_to_end(self, seconds: float = 10) -> bytes:
        """Everything until the other side closes."""
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                break
            if not data:
                break
            self.received += data
        found, self.received = self.received, b""
        return found

    def read_answer(self, seconds: float = 10) -> tuple[int, dict[str, str], bytes]:
        """One answer with a content-length: status, header fields in lower case, body."""
        head = self.read_until(b"\r\n\r\n", seconds).decode("latin-1").split("\r\n")
        fields = {}
        for line in head[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        body = b""
        wanted = int(fields.get("content-length", "0"))
        while len(self.received) < wanted:
            self.socket.settimeout(seconds)
            data = self.socket.recv(65536)
            assert data, "closed inside a body"
            self.received += data
        body, self.received = self.received[:wanted], self.received[wanted:]
        return int(head[0].split(" ")[1]), fields, body


def chat_body(model: str = "fast", **more) -> bytes:
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Say something."}], **more}).encode()


def request(body: bytes = b"", *fields: str, method="POST", path="/v1/chat/completions", key=GATEWAY_KEY, length=True) -> bytes:
    """A request head with what is proper, the given fields, and the body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway.test"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines += ["Content-Type: application/json", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def events(text: str) -> list[str]:
    """The data of each server-sent event, by the rules of the WHATWG: what any browser would make of the bytes."""
    found, data = [], []
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("data:"):
            data.append(line[5:].removeprefix(" "))
        elif not line and data:
            found.append("\n".join(data))
            data = []
    return found
