"""The client's side of conversations: what an application sends, and what an EventSource makes of the events."""

import contextlib
import dataclasses
import json
import sqlite3

import httpx

from conftest import GATEWAY_KEY, poll


@dataclasses.dataclass(frozen=True)
class Event:
    id: str
    type: str
    data: object


class EventParser:
    """Server-sent events as the WHATWG has them, from bytes that come in pieces."""

    def __init__(self):
        self.bytes = b""
        self.comments = 0
        self.last_id = ""
        self._data, self._type = [], ""

    def feed(self, data: bytes) -> list[Event]:
        self.bytes += data
        found = []
        # The gateway ends lines with a line feed alone, so nothing else may end one.
        while b"\n" in self.bytes:
            line, _, self.bytes = self.bytes.partition(b"\n")
            name, colon, value = line.decode("utf-8").partition(":")
            value = value.removeprefix(" ")
            if not line:
                if self._data:
                    text = "\n".join(self._data)
                    found.append(Event(self.last_id, self._type or "message", text))
                self._data, self._type = [], ""
            elif colon and not name:
                self.comments += 1
            elif name == "data":
                self._data.append(value)
            elif name == "event":
                self._type = value
            elif name == "id":
                self.last_id = value
        return found


class Follower:
    """One connection that follows an answer, from an event on as an EventSource comes back to it."""

    def __init__(self, root: str, key: str, method: str, path: str, body=None, last: str | None = None, headers=None):
        # Nothing here is encrypted, and reading the certificates of the world takes a while.
        self.http = httpx.Client(trust_env=False, verify=False, timeout=40)
        fields = {"authorization": f"Bearer {key}", "accept": "text/event-stream", **(headers or {})}
        if last is not None:
            fields["last-event-id"] = last
        request = self.http.build_request(method, f"{root}{path}", json=body, headers=fields)
        try:
            self.answer = self.http.send(request, stream=True)
        except BaseException:
            self.http.close()
            raise
        self.status = self.answer.status_code
        self.parser = EventParser()
        self.events: list[Event] = []
        self._source = self._come()

    def _come(self):
        for data in self.answer.iter_raw():
            for event in self.parser.feed(data):
                if event.data != "[DONE]":
                    event = dataclasses.replace(event, data=json.loads(event.data))
                self.events.append(event)
                yield event

    def next(self) -> Event:
        return next(self._source)

    def rest(self) -> list[Event]:
        """What comes from here on to the end."""
        return list(self._source)

    def until(self, type: str) -> Event:
        return next(event for event in self._source if event.type == type)

    def error(self) -> dict:
        """The body of an answer that is no stream."""
        return json.loads(self.answer.read())

    def close(self):
        self.answer.close()
        self.http.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Talk:
    """Somebody who talks in sessions."""

    def __init__(self, root: str, key: str = GATEWAY_KEY):
        self.root, self.key = root, key
        self.http = httpx.Client(
            base_url=f"{root}/api/v1", headers={"authorization": f"Bearer {key}"}, trust_env=False, verify=False, timeout=40
        )

    def session(self, **body) -> str:
        answer = self.http.post("/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["data"]["id"]

    def get(self, session: str) -> dict:
        answer = self.http.get(f"/sessions/{session}")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def post(self, session: str, content, **more) -> httpx.Response:
        return self.http.post(f"/sessions/{session}/messages", json={"content": content, **more})

    def say(self, session: str, content, **more) -> dict:
        """The whole answer."""
        answer = self.post(session, content, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def ask(self, session: str, content="Say something.", **more) -> Follower:
        """The answer in events."""
        body = {"content": content, "stream": True, **more}
        return Follower(self.root, self.key, "POST", f"/api/v1/sessions/{session}/messages", body)

    def follow(self, session: str, last: str | None = None) -> Follower:
        return Follower(self.root, self.key, "GET", f"/api/v1/sessions/{session}/stream", last=last)

    def cancel(self, session: str) -> dict:
        answer = self.http.post(f"/sessions/{session}/cancel")
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def messages(self, session: str) -> list[dict]:
        """All of them, page by page."""
        found, query = [], {"limit": 200}
        while True:
            answer = self.http.get(f"/sessions/{session}/messages", params=query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["data"]
            if page["nextCursor"] is None:
                return found
            query["cursor"] = page["nextCursor"]

    def over(self, session: str, seq: int, seconds: float = 20) -> dict:
        """An answer once it is no longer running."""
        return poll(
            lambda: (one := self.messages(session)[seq - 1])["status"] != "running" and one, seconds, 0.05, "the answer ends"
        )

    def chat(self, message, headers: dict | None = None, **more) -> httpx.Response:
        """`POST /api/chat`."""
        return self.http.post(f"{self.root}/api/chat", json={"message": message, **more}, headers=headers or {})


def text_of(message: dict) -> str:
    """What was said in a message."""
    if isinstance(message["content"], str):
        return message["content"]
    return "".join(part["text"] for part in message["content"] if part["type"] == "text")


def said(events: list[Event]) -> str:
    """What was said in the events of a session."""
    return "".join(event.data["text"] for event in events if event.type == "content" and event.data["type"] == "text")


def rows(gateway, request: str, seconds: float = 10) -> list[dict]:
    """What the ledger says of a request, as soon as it says anything."""

    def look():
        with contextlib.closing(sqlite3.connect(f"file:{gateway.data}/turnpike.db?mode=ro", uri=True)) as store:
            store.row_factory = sqlite3.Row
            found = store.execute("SELECT * FROM ledger WHERE request_id = ? ORDER BY seq", (request,)).fetchall()
            return [dict(row) for row in found]

    return poll(look, seconds, 0.05, f"{request} is in the ledger")


def prompts(call: dict) -> list[tuple[str, str]]:
    """Who said what in a call that the provider saw."""
    return [(one["role"], one["content"]) for one in json.loads(call["body"])["messages"]]
