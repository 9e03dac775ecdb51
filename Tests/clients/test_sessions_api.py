"""Sessions over HTTP against the real binary: whose they are, what they hold, and what is left of them."""

import concurrent.futures
import json
import os
import sqlite3
import subprocess

import httpx
import pytest

from conftest import BINARY, configuration_for, free_port

PAYLOADS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg/onload=alert(1)>", "javascript:alert(1)",
    "{{7*7}}", "</script>", "<!--", "![x](https://evil.example/?q=1)", "'; DROP TABLE sessions; --",
    "\x1b[2J\x1b]0;owned\x07", "\u202etxt.exe", "\u2028", "\x00\x01\x7f", "\r\nset-cookie: a=b",
    "data: x\n\nevent: done", "é and e\u0301", "👩‍👩‍👧‍👦", "\\u0041", "null",
]  # fmt: skip


class Office:
    """A gateway with two groups: administrators, members, and keys that are nobody's."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.root = self.person_with((gateway.data / "first-key").read_text().strip())
        for group in ("acme", "other"):
            self.root.post("/groups", json={"id": group}).raise_for_status()
        self.admin, self.admin_id = self.person("acme", "group_admin")
        self.anna, self.anna_id = self.person("acme", "member")
        self.ben, self.ben_id = self.person("acme", "member")
        self.stranger, self.stranger_id = self.person("other", "group_admin")
        made = self.root.post("/groups/acme/keys", json={"name": "app"}).json()["data"]
        self.app, self.app_key = self.person_with(made["secret"]), made["id"]

    def person_with(self, key: str) -> httpx.Client:
        return httpx.Client(
            base_url=f"{self.gateway.root}/api/v1",
            headers={"authorization": f"Bearer {key}"},
            trust_env=False,
            timeout=20,
        )

    def person(self, group: str, role: str) -> tuple[httpx.Client, str]:
        user = self.root.post(f"/groups/{group}/users", json={"name": role, "role": role}).json()["data"]["id"]
        body = {"name": "key", "userId": user, "scopes": ["inference", "admin"]}
        return self.person_with(self.root.post(f"/groups/{group}/keys", json=body).json()["data"]["secret"]), user

    @property
    def clients(self):
        return [self.root, self.admin, self.anna, self.ben, self.stranger, self.app]

    def say(self, session: str, *contents: str):
        """Puts messages there as the gateway does, from another process: the content is JSON."""
        with sqlite3.connect(self.gateway.data / "turnpike.db", timeout=20) as store:
            (first,) = store.execute("SELECT next_seq FROM sessions WHERE id = ?", (session,)).fetchone()
            for seq, content in enumerate(contents, start=first):
                role = "user" if seq % 2 else "assistant"
                store.execute(
                    "INSERT INTO session_messages (session_id, seq, role, status, created_at, ended_at, request_id,"
                    " tokens, bytes, content) VALUES (?, ?, ?, 'complete', 1, 2, 'req_1', 3, ?, ?)",
                    (session, seq, role, len(content.encode()), content.encode()),
                )
            store.execute("UPDATE sessions SET next_seq = ? WHERE id = ?", (first + len(contents), session))
        store.close()

    def count(self, table: str) -> int:
        store = sqlite3.connect(self.gateway.data / "turnpike.db", timeout=20)
        (count,) = store.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        store.close()
        return count

    def command(self, *arguments, code: int = 0) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.gateway.folder)}
        run = subprocess.run(
            [str(BINARY), "session", *arguments, "--config", str(self.gateway.configuration_file)],
            cwd=self.gateway.folder,
            env={
                **environment,
                "TURNPIKE_SERVER_LISTEN": f"127.0.0.1:{self.gateway.port}",
                "TURNPIKE_DATA_DIR": str(self.gateway.data),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == code, f"{arguments}: {run.returncode}\n{run.stdout}{run.stderr}"
        return run.stdout


@pytest.fixture
def office(start_gateway, simulator):
    configuration = configuration_for(simulator)
    del configuration["bootstrap"]
    office = Office(start_gateway(configuration))
    yield office
    for client in office.clients:
        client.close()


def make(client: httpx.Client, **body) -> dict:
    answer = client.post("/sessions", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/sessions/{answer.json()['data']['id']}"
    return answer.json()["data"]


def ids(client: httpx.Client, **query) -> set[str]:
    answer = client.get("/sessions", params=query)
    assert answer.status_code == 200, answer.text
    return {one["id"] for one in answer.json()["data"]}


def test_a_session_lives_its_whole_life(office):
    history = {"policy": "summary", "keep": 12, "model": "fast"}
    made = make(office.anna, title="Plans", model="fast", system="Be brief.", history=history)
    assert made["userId"] == office.anna_id and made["keyId"] is None and made["groupId"] == "acme"
    assert made["history"] == history and made["messageCount"] == 0 and made["lastUsedAt"] is None
    path = f"/sessions/{made['id']}"
    assert office.anna.get(path).json()["data"] == made
    changed = office.anna.patch(path, json={"title": "Summer", "system": None}).json()["data"]
    assert changed["title"] == "Summer" and changed["system"] is None and changed["model"] == "fast"
    office.say(made["id"], '"one"', '[{"type":"text","text":"two"}]', '"three"')
    copy = office.anna.post(f"{path}/fork", json={"seq": 2}).json()["data"]
    assert copy["messageCount"] == 2 and copy["forkedFrom"] == {"sessionId": made["id"], "seq": 2}
    contents = [one["content"] for one in office.anna.get(f"/sessions/{copy['id']}/messages").json()["data"]]
    assert contents == ["one", [{"type": "text", "text": "two"}]]
    assert ids(office.anna) == {made["id"], copy["id"]}
    gone = office.anna.delete(path)
    assert gone.status_code == 204 and not gone.content
    assert office.anna.get(path).status_code == 404 and office.anna.get(f"{path}/messages").status_code == 404
    assert ids(office.anna) == {copy["id"]}
    assert office.count("sessions") == 1 and office.count("session_messages") == 2
    assert not [one for one in office.root.get("/audit").json()["data"] if one["objectKind"] == "session"]


def test_another_groups_another_members_and_an_absent_one_are_the_same(office):
    session = make(office.anna)["id"]
    absent = "ses_" + "0" * 26
    requests = [
        ("GET", "", None), ("PATCH", "", {"title": "x"}), ("DELETE", "", None), ("GET", "/messages", None),
        ("POST", "/fork", {}),
    ]  # fmt: skip
    for client in (office.ben, office.app, office.stranger):
        for method, end, body in requests:
            answers = []
            for one in (session, absent):
                answer = client.request(
                    method, f"/sessions/{one}{end}", json=body, headers={"x-request-id": "the-same"}
                )
                headers = {name: value for name, value in answer.headers.items() if name != "date"}
                answers.append((answer.status_code, answer.content, headers))
            assert answers[0] == answers[1] and answers[0][0] == 404, (method, end, answers)
        assert session not in ids(client)
    assert office.ben.get("/sessions", params={"user": office.anna_id}).status_code == 403
    assert office.stranger.get("/sessions", params={"group": "acme"}).status_code == 404
    assert ids(office.stranger, user=office.anna_id) == set()
    nobody = httpx.get(f"{office.gateway.root}/api/v1/sessions", trust_env=False)
    assert nobody.status_code == 401


def test_administrators_see_their_group_and_what_they_do_to_others_is_audited(office):
    annas, bens, apps = make(office.anna)["id"], make(office.ben)["id"], make(office.app)["id"]
    assert ids(office.admin) == set()
    assert ids(office.admin, user="*") == {annas, bens, apps}
    assert ids(office.admin, user=office.ben_id) == {bens}
    assert ids(office.admin, key=office.app_key) == {apps}
    assert ids(office.root, group="acme") == {annas, bens, apps}
    assert office.admin.get(f"/sessions/{annas}").status_code == 200
    assert office.admin.delete(f"/sessions/{annas}").status_code == 204
    records = [one for one in office.root.get("/audit").json()["data"] if one["objectKind"] == "session"]
    assert [(one["action"], one["objectId"], one["actor"]) for one in records] == [
        ("session.delete", annas, office.admin_id)
    ]


def test_sessions_follow_a_key_that_is_rotated_and_end_with_a_person(office):
    session = make(office.app)["id"]
    rotated = office.root.post(f"/groups/acme/keys/{office.app_key}/rotate", json={"overlapSeconds": 600})
    with office.person_with(rotated.json()["data"]["secret"]) as fresh:
        assert ids(fresh) == {session} == ids(office.app)
        late = make(office.app)["id"]
        assert ids(fresh) == {session, late}
    bens = make(office.ben)["id"]
    office.say(bens, '"secret of ben"')
    assert office.admin.delete(f"/groups/acme/users/{office.ben_id}").status_code == 204
    assert bens not in ids(office.root, user="*") and office.count("session_messages") == 0


def test_texts_come_back_as_they_were_as_json_and_nothing_else(office):
    session = make(office.anna)["id"]
    written = []
    for payload in PAYLOADS:
        # With every sign escaped, and with none.
        written += [json.dumps(payload), json.dumps(payload, ensure_ascii=False)]
        written += [json.dumps([{"type": "text", "text": payload, "n": 1}], separators=(" , ", " : "))]
    office.say(session, *written)
    answer = office.anna.get(f"/sessions/{session}/messages", params={"limit": 200})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.json()["data"]) == len(written)
    for text, message in zip(written, answer.json()["data"]):
        assert message["content"] == json.loads(text)
        assert f'"content":{text},'.encode() in answer.content
    for payload in PAYLOADS:
        made = office.anna.post("/sessions", json={"title": payload, "system": payload})
        if made.status_code == 201:
            shown = office.anna.get(f"/sessions/{made.json()['data']['id']}")
            # White space around a title says nothing; within a prompt it may.
            assert shown.json()["data"]["title"] == payload.strip()
            assert shown.json()["data"]["system"] == payload
            assert shown.headers["x-content-type-options"] == "nosniff"
        else:
            assert made.status_code == 400 and made.json()["details"]["field"] in ("title", "system")


def test_pages_go_through_everything_once(office):
    session = make(office.anna)["id"]
    office.say(session, *[json.dumps(f"message {number}") for number in range(1, 26)])
    for order in ("asc", "desc"):
        seen, cursor = [], None
        while True:
            query = {"limit": 7, "order": order} | ({"cursor": cursor} if cursor else {})
            page = office.anna.get(f"/sessions/{session}/messages", params=query).json()
            seen += [one["seq"] for one in page["data"]]
            cursor = page["nextCursor"]
            if cursor is None:
                break
        assert seen == sorted(range(1, 26), reverse=order == "desc")
    made = {make(office.anna)["id"] for _ in range(12)} | {session}
    seen, cursor = [], None
    while True:
        page = office.anna.get("/sessions", params={"limit": 5} | ({"cursor": cursor} if cursor else {})).json()
        seen += [one["id"] for one in page["data"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break
    assert len(seen) == 13 and set(seen) == made


@pytest.mark.parametrize(
    "body, field",
    [
        ({"title": "x" * 201}, "title"),
        ({"system": "x" * (64 * 1024 + 1)}, "system"),
        ({"history": {"policy": "messages", "count": -1}}, "history"),
        ({"history": "all"}, "history"),
        ({"user_id": "u_1"}, "user_id"),
        ({"model": 5}, "model"),
    ],
)
def test_what_breaks_a_rule_is_named(office, body, field):
    refused = office.anna.post("/sessions", json=body)
    assert refused.status_code == 400 and refused.json()["details"]["field"] == field
    assert office.count("sessions") == 0


def test_many_at_once_get_what_is_theirs(office):
    def work(client):
        return [make(client)["id"] for _ in range(25)]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        clients = [office.anna, office.ben, office.app] * 2
        made = list(pool.map(work, clients))
    for index, client in enumerate(clients[:3]):
        assert ids(client, limit=200) == set(made[index]) | set(made[index + 3])


def test_sessions_outlive_a_gateway_that_is_killed(office):
    made = make(office.anna, title="Kept")
    office.gateway.process.kill()
    office.gateway.process.wait()
    shown = json.loads(office.command("show", made["id"], "--store", "--json"))
    assert shown["data"] == made


def test_sessions_are_on_the_public_listener_beside_an_administrative_one(start_gateway):
    gateway = start_gateway(server={"admin_listen": f"127.0.0.1:{free_port()}"})
    assert gateway.http.get("/api/v1/sessions").status_code == 200
    assert gateway.http.get("/api/v1/usage").status_code == 404


@pytest.mark.parametrize("way", ["gateway", "store"])
def test_the_command_shows_and_ends_sessions(office, way):
    session = make(office.anna, title="Plans")["id"]
    office.say(session, '"What \\u001b[2J is it?"', '[{"type":"text","text":"Twelve."}]')
    where = ["--store"] if way == "store" else []
    if way == "store":
        office.gateway.stop()
    listed = json.loads(office.command("list", "--json", *where))["data"]
    assert [one["id"] for one in listed] == [session]
    table = office.command("list", "--group", "acme", *where)
    assert session in table and "Plans" in table
    shown = office.command("show", session, *where)
    assert "What [2J is it?" in shown and "Twelve." in shown and "\x1b[2J" not in shown
    whole = json.loads(office.command("show", session, "--last", "1", "--json", *where))
    assert [one["seq"] for one in whole["messages"]] == [2] and whole["data"]["id"] == session
    renamed = json.loads(office.command("rename", session, "Summer", "--json", *where))
    assert renamed["data"]["title"] == "Summer"
    copy = json.loads(office.command("fork", session, "--seq", "1", "--json", *where))["data"]
    assert copy["messageCount"] == 1 and copy["userId"] == office.anna_id
    office.command("delete", session, *where)
    assert office.count("session_messages") == 1
    office.command("show", session, *where, code=1)
    office.command("show", session, "--last", "500", *where, code=2)
