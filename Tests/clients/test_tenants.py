"""Groups, people, gateway keys and provider keys as an operator makes them: by command, with and without a gateway."""

import concurrent.futures
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import sqlite3
import stat
import subprocess
import threading
import time

import httpx
import openai
import pytest

from conftest import BINARY, REPOSITORY, Gateway, Simulator, configuration_for, free_port, poll

# Given to commands, and searched for in every byte that is left behind.
CLI_KEY = "sk-canary-by-command-91c4d77e02ab"
NEXT_KEY = "sk-canary-replacement-c0ffee5151aa"


class Site:
    """One operator's machine: a folder, a settings file, and the commands run there."""

    def __init__(self, folder: pathlib.Path, configuration: dict, simulator: Simulator):
        self.folder, self.configuration, self.simulator = folder, configuration, simulator
        self.port = free_port()
        self.data = folder / "data"
        self.gateways: list[Gateway] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.said = ""

    @property
    def environment(self) -> dict:
        return {
            "TURNPIKE_SERVER_LISTEN": f"127.0.0.1:{self.port}",
            "TURNPIKE_DATA_DIR": str(self.data),
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
        }

    def serve(self, environment: dict | None = None) -> Gateway:
        gateway = Gateway(self.folder, self.configuration, environment, wait=False, port=self.port)
        self.gateways.append(gateway)
        gateway.wait_ready()
        return gateway

    def stop(self):
        for gateway in self.gateways:
            gateway.stop()

    def run(self, *arguments, code: int = 0, given: str = "", **environment) -> subprocess.CompletedProcess:
        run = subprocess.run(
            [str(BINARY), *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment, **environment},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert run.returncode == code, f"{arguments}: {run.returncode}\n{run.stdout}{run.stderr}"
        # Secrets of gateway keys are shown on purpose; nothing else is.
        self.said += run.stderr
        return run

    def json(self, *arguments, **more) -> dict:
        return json.loads(self.run(*arguments, "--json", **more).stdout)

    def client(self, key: str) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"http://127.0.0.1:{self.port}/v1", api_key=key, max_retries=0)

    def written(self) -> bytes:
        """Every file that was left behind, whatever it is called."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())


def no_bootstrap(simulator: Simulator) -> dict:
    configuration = configuration_for(simulator)
    del configuration["bootstrap"]
    return configuration


@pytest.fixture
def site(tmp_path, simulator):
    required = Simulator(tmp_path / "provider", required_key=CLI_KEY)
    site = Site(tmp_path / "site", no_bootstrap(required), required)
    site.configuration_file = site.folder / "turnpike.yaml"
    site.configuration_file.write_text(json.dumps(site.configuration))
    yield site
    site.stop()
    required.stop()
    left = site.written()
    for canary in (CLI_KEY, NEXT_KEY):
        assert canary.encode() not in left, f"{canary} stands in a file"
        assert canary not in site.said


def set_up(site: Site, *way) -> tuple[str, str]:
    """A group with a person, a gateway key and a provider key; gives the key and its id."""
    site.run("group", "create", "acme", "--name", "Acme", *way)
    person = site.json("user", "add", "Anna", "--group", "acme", "--role", "group_admin", *way)["data"]["id"]
    key = site.json("key", "create", "--group", "acme", "--name", "app", "--user", person, *way)["data"]
    site.run("credential", "add", "sim", "--group", "acme", "--key-file", "-", "--test", *way, given=CLI_KEY + "\n")
    return key["secret"], key["id"]


def ask(site: Site, key: str) -> str:
    with site.client(key) as client:
        answer = client.chat.completions.create(model="fast", messages=[{"role": "user", "content": "Hello."}])
    return answer.choices[0].message.content


def status(site: Site, key: str) -> int:
    url = f"http://127.0.0.1:{site.port}/v1/models"
    return httpx.get(url, headers={"authorization": f"Bearer {key}"}, trust_env=False).status_code


def test_a_group_that_was_made_by_commands_can_call(site):
    gateway = site.serve()
    key, _ = set_up(site)
    assert ask(site, key)
    assert site.simulator.calls()[-1]["status"] == 200
    listed = site.json("credential", "list", "--group", "acme")["data"]
    assert [one["keyHint"] for one in listed] == [CLI_KEY[:8] + "…" + CLI_KEY[-4:]]
    gateway.must_live()
    actors = {record["actor"] for record in site.json("audit", "list")["data"]}
    assert actors == {"bootstrap", "admin"}, "commands went through the gateway"
    poll(
        lambda: site.json("credential", "list", "--group", "acme")["data"][0]["lastUsedAt"],
        message="the time of last use is there",
    )


def test_the_same_works_without_a_gateway_and_is_there_when_one_starts(site):
    key, _ = set_up(site)
    actors = {record["actor"] for record in site.json("audit", "list")["data"]}
    assert actors == {"bootstrap", "command"}
    site.serve()
    assert ask(site, key)


def test_a_change_in_the_store_itself_is_noticed_within_a_second(site):
    """Row 43: another process is the one that writes."""
    site.serve()
    key, _ = set_up(site, "--store")

    def works() -> bool:
        with contextlib.suppress(openai.APIStatusError):
            return bool(ask(site, key))
        return False

    poll(works, seconds=1, message="the new key and the new credential work")


def test_a_revoked_key_is_refused_at_once_here_and_within_a_second_from_elsewhere(site):
    """Row 43."""
    site.serve()
    key, identity = set_up(site)
    assert status(site, key) == 200
    site.run("key", "revoke", identity, "--group", "acme")
    assert status(site, key) == 401
    with pytest.raises(openai.AuthenticationError):
        ask(site, key)
    other = site.json("key", "create", "--group", "acme", "--name", "other")["data"]
    assert status(site, other["secret"]) == 200
    site.run("key", "revoke", other["id"], "--group", "acme", "--store")
    poll(lambda: status(site, other["secret"]) == 401, seconds=1, message="the key is refused")


def test_a_person_who_is_disabled_has_no_key_that_works(site):
    site.serve()
    key, _ = set_up(site)
    person = site.json("user", "list", "--group", "acme")["data"][0]["id"]
    site.run("user", "disable", person, "--group", "acme")
    assert status(site, key) == 401
    site.run("user", "enable", person, "--group", "acme")
    assert status(site, key) == 200


def test_a_rotated_key_works_beside_its_successor(site):
    site.serve()
    old, identity = set_up(site)
    new = site.run("key", "rotate", identity, "--group", "acme", "--overlap", "1h").stdout.strip()
    assert status(site, old) == status(site, new) == 200
    assert site.run("key", "rotate", identity, "--group", "acme", code=1).stderr


def test_a_refused_provider_key_is_not_stored_and_the_old_one_stays(site):
    site.serve()
    key, _ = set_up(site)
    credential = site.json("credential", "list", "--group", "acme")["data"][0]["id"]
    site.run("credential", "test", credential, "--group", "acme")
    wrong = ("credential", "replace", credential, "--group", "acme", "--key-file", "-", "--test")
    site.run(*wrong, code=1, given=NEXT_KEY)
    assert ask(site, key)
    # Without a test it is taken, and the provider's refusal is the group's affair, not its client's.
    site.run(*wrong[:-1], given=NEXT_KEY)
    with pytest.raises(openai.APIStatusError) as refused:
        ask(site, key)
    assert refused.value.status_code == 424
    poll(
        lambda: site.json("credential", "list", "--group", "acme", "--rejected")["data"],
        message="the credential is marked",
    )


def test_a_group_without_a_provider_key_is_told_so(site):
    site.serve()
    site.run("group", "create", "poor")
    key = site.run("key", "create", "--group", "poor", "--name", "app").stdout.strip()
    with pytest.raises(openai.APIStatusError) as refused:
        ask(site, key)
    assert refused.value.status_code == 424
    assert "AI is not configured for this group" in refused.value.message


def test_a_key_that_may_not_administer_is_told_so(site):
    site.serve()
    key, _ = set_up(site)
    run = site.run("group", "create", "mine", code=1, TURNPIKE_KEY=key)
    assert "--gateway-key-file" in run.stderr


def test_a_second_credential_and_unknown_names_are_refused_with_a_reason(site):
    set_up(site)
    again = site.run("credential", "add", "sim", "--group", "acme", "--key-file", "-", code=1, given=CLI_KEY)
    assert "active credential" in again.stderr
    site.run("credential", "add", "nobody", "--group", "acme", "--key-file", "-", code=1, given=CLI_KEY)
    site.run("group", "show", "nobody", code=1)
    site.run("key", "create", "--group", "acme", code=2)
    site.run("credential", "add", "sim", "--group", "acme", code=2)


def test_a_backup_can_be_restored_and_needs_a_stopped_gateway(site):
    gateway = site.serve()
    key, identity = set_up(site)
    backup = pathlib.Path(site.json("backup", site.folder / "copy.db")["path"])
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600
    site.run("key", "revoke", identity, "--group", "acme")
    refused = site.run("restore", backup, "--yes", code=1)
    assert "stop the gateway first" in refused.stderr
    assert gateway.stop() == 0
    site.run("restore", backup, "--yes")
    site.serve()
    assert ask(site, key), "the key works again, as it did when the backup was made"
    assert sqlite3.connect(backup).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_the_encryption_key_is_changed_beside_a_running_gateway(site):
    """Row 62: no call fails, and the store's rows are under the new key."""
    site.serve()
    key, _ = set_up(site)
    old = site.json("keyring", "list")["data"][0]["keyId"]
    site.run("keyring", "generate", "--output", "new.key")
    dry = site.json("credential", "rotate", "--new-key-file", "new.key", "--dry-run")
    assert dry["rows"] == 1 and dry["resealed"] == 0
    report = site.json("credential", "rotate", "--new-key-file", "new.key")
    assert report["resealed"] == 1 and report["oldKeyId"] == old
    assert pathlib.Path(site.folder / report["backup"]).exists()
    assert ask(site, key)
    states = {one["keyId"]: one["state"] for one in site.json("keyring", "list")["data"]}
    assert states == {old: "retired", report["newKeyId"]: "active"}
    assert site.json("credential", "verify", "--key-file", "new.key")["ok"] is True
    assert site.json("audit", "verify")["data"]["intact"] is True
    site.run("keyring", "destroy", old, "--confirm", old, code=1)
    site.run("keyring", "destroy", old, "--confirm", old, "--retention", "0s")
    assert ask(site, key)
    assert len((site.data / "encryption.key").read_text().split()) == 1


def test_the_encryption_key_is_changed_without_downtime_by_settings_alone(site):
    gateway = site.serve()
    key, _ = set_up(site)
    site.run("keyring", "generate", "--output", "new.key")
    site.configuration["credentials"] = {
        "encryption_key": f"file:{site.folder / 'new.key'}",
        "previous_keys": [f"file:{site.data / 'encryption.key'}"],
    }
    gateway.configure(site.configuration)

    def is_rotated() -> bool:
        assert status(site, key) == 200
        return site.json("credential", "verify")["keys"][-1]["state"] == "active" and all(
            one["rows"] == (one["state"] == "active") for one in site.json("credential", "verify")["keys"]
        )

    poll(is_rotated, seconds=20, every=0.2, message="everything is under the new key")
    assert site.json("credential", "verify", "--key-file", "new.key")["ok"] is True
    assert ask(site, key)


def test_tampering_with_the_audit_log_is_found(site):
    set_up(site)
    with contextlib.closing(sqlite3.connect(site.data / "turnpike.db")) as store:
        store.execute("UPDATE audit_log SET actor = 'nobody' WHERE seq = 2")
        store.commit()
    found = site.run("audit", "verify", code=1)
    assert "record 2" in found.stdout


def test_the_exported_log_ends_with_its_signed_end(site):
    set_up(site)
    lines = [json.loads(line) for line in site.run("audit", "export").stdout.splitlines()]
    assert [line["seq"] for line in lines[:-1]] == list(range(1, len(lines)))
    head = lines[-1]["head"]
    assert site.json("audit", "verify", "--head", head)["data"]["intact"] is True


@pytest.mark.parametrize("key", ["0" * 64, "file:nowhere", "abc"])
def test_a_bad_encryption_key_opens_no_listener(site, key):
    """Row 48."""
    run = site.run("serve", code=1, CREDENTIAL_ENCRYPTION_KEY=key)
    assert run.stderr.strip() and run.stdout == ""
    assert key not in run.stderr or key.startswith("file:")


def test_an_encryption_key_that_others_can_read_opens_no_listener(site):
    """Row 48."""
    set_up(site)
    (site.data / "encryption.key").chmod(0o644)
    run = site.run("serve", code=1)
    assert "can be read by others" in run.stderr and len(run.stderr.strip().splitlines()) == 1


def test_doctor_looks_at_the_store_and_changes_nothing(site):
    set_up(site)

    def content() -> list[str]:
        with contextlib.closing(sqlite3.connect(site.data / "turnpike.db")) as store:
            return list(store.iterdump())

    before = content()
    checks = {one["check"]: one for one in site.json("doctor", "--offline")["checks"]}
    assert {"store", "encryption key", "provider keys", "audit log"} <= checks.keys()
    assert all(one["verdict"] == "ok" for one in checks.values()), checks
    assert content() == before


def test_a_start_with_many_keys_is_quick(site):
    """100,000 gateway keys are read at a start; the figure is in docs/benchmarks.md."""
    set_up(site)
    rows = ((f"k{n}", hashlib.sha256(str(n).encode()).digest()) for n in range(100_000))
    with contextlib.closing(sqlite3.connect(site.data / "turnpike.db")) as store:
        store.executemany(
            "INSERT INTO gateway_keys (id, group_id, name, digest, scopes, created_by, created_at) "
            "VALUES (?, 'acme', 'n', ?, 'inference', 'test', 1)",
            rows,
        )
        store.commit()
    begin = time.monotonic()
    site.serve()
    print(f"ready after {time.monotonic() - begin:.2f} s")


def test_the_key_is_changed_offline_with_both_keys_given_and_nothing_in_the_environment(site):
    old, new = os.urandom(32).hex(), os.urandom(32).hex()
    set_up_environment = {"CREDENTIAL_ENCRYPTION_KEY": old}
    site.run("group", "create", "acme", **set_up_environment)
    add = ("credential", "add", "sim", "--group", "acme", "--key-file", "-")
    site.run(*add, given=CLI_KEY, **set_up_environment)
    key = site.run("key", "create", "--group", "acme", "--name", "app", **set_up_environment).stdout.strip()
    report = site.json("credential", "rotate", "--old-key", old, "--new-key", "-", given=new + "\n")
    assert report["resealed"] == 1
    again = site.json("credential", "rotate", "--old-key", old, "--new-key", new)
    assert again["resealed"] == 0, "repeating it changes nothing"
    verified = site.json("credential", "verify", CREDENTIAL_ENCRYPTION_KEY=new)
    assert verified["ok"] is True
    site.run("credential", "verify", code=1, CREDENTIAL_ENCRYPTION_KEY=old)
    site.serve({"CREDENTIAL_ENCRYPTION_KEY": new})
    assert ask(site, key)
    left = site.written().decode("latin-1")
    assert old not in left and new not in left


def test_a_rotation_waits_for_a_gateway_that_lacks_the_new_key_and_says_what_to_do(site):
    """Row 64."""
    old, new = os.urandom(32).hex(), os.urandom(32).hex()
    gateway = site.serve({"CREDENTIAL_ENCRYPTION_KEY": old})
    key, _ = set_up(site)
    rotate = ("credential", "rotate", "--old-key", old, "--new-key", new)
    refused = site.run(*rotate, code=1)
    assert "previous_keys" in refused.stderr and f":{gateway.pid}:" in refused.stderr
    assert ask(site, key)
    site.configuration["credentials"] = {"previous_keys": [new]}
    gateway.configure(site.configuration)

    def is_done() -> bool:
        run = subprocess.run(
            [str(BINARY), *rotate], cwd=site.folder, env=site.environment, capture_output=True, text=True, timeout=60
        )
        assert run.returncode in (0, 1)
        assert ask(site, key)
        return run.returncode == 0

    poll(is_done, seconds=15, every=0.2, message="the gateway has the new key")
    assert ask(site, key)


SIGNER = """
import json, sys
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
private = ec.generate_private_key(ec.SECP256R1())
public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
public.pop("key_ops", None)
print(json.dumps({**public, "kid": "k1", "use": "sig", "alg": "ES256"}), flush=True)
for line in sys.stdin:
    print(jwt.encode(json.loads(line), private, algorithm="ES256", headers={"kid": "k1"}), flush=True)
"""


@pytest.fixture
def issuer():
    """Signs tokens with PyJWT, in the environment that has it, and gives its public key to whoever asks."""
    python = REPOSITORY / ".venv-keys/bin/python"
    signer = subprocess.Popen(
        [str(python), "-c", SIGNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    keys = json.dumps({"keys": [json.loads(signer.stdout.readline())]}).encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(keys)))
            self.end_headers()
            self.wfile.write(keys)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def sign(**claims) -> str:
        now = int(time.time())
        body = {"iss": "https://id.example/", "aud": "turnpike", "sub": "anna", "iat": now, "exp": now + 300, **claims}
        signer.stdin.write(json.dumps(body) + "\n")
        return signer.stdout.readline().strip()

    yield f"http://127.0.0.1:{server.server_address[1]}/jwks", sign
    server.shutdown()
    signer.stdin.close()
    signer.wait(10)


def test_a_token_of_an_issuer_of_the_settings_calls_for_its_group(site, issuer):
    """Row 41."""
    url, sign = issuer
    site.configuration["auth"] = {
        "jwt": [
            {
                "name": "staff",
                "issuer": "https://id.example/",
                "audience": "turnpike",
                "jwks_url": url,
                "allow_private": True,
                "add_users": True,
                "claims": {"group": "org", "role": "roles"},
                "roles": {"boss": "group_admin"},
            }
        ]
    }
    site.serve()
    set_up(site)
    assert ask(site, sign(org="acme"))
    users = site.json("user", "list", "--group", "acme")["data"]
    assert [user["subject"] for user in users if user["issuer"]] == ["anna"]
    assert status(site, sign(org="nowhere", sub="bob")) == 403
    assert status(site, sign(org="acme", aud="another")) == 401
    assert status(site, sign(org="acme", exp=int(time.time()) - 600)) == 401
    boss = sign(org="acme", sub="boss", roles=["boss"])
    headers = {"authorization": f"Bearer {boss}"}
    listed = httpx.get(f"http://127.0.0.1:{site.port}/api/v1/groups/acme/keys", headers=headers, trust_env=False)
    assert listed.status_code == 200
    person = next(user["id"] for user in users if user["issuer"])
    site.run("user", "disable", person, "--group", "acme")
    assert status(site, sign(org="acme")) == 403


def test_a_look_in_the_wrong_folder_leaves_nothing(site):
    before = sorted(site.folder.iterdir())
    for command in (["group", "list"], ["audit", "verify"], ["keyring", "list"], ["backup"], ["doctor", "--offline"]):
        site.run(*command, code=0 if command[0] == "doctor" else 1)
    assert sorted(site.folder.iterdir()) == before


def memory_of(pid: int) -> bytes:
    """Everything that a process could write to: its heap, stacks, guarded pages and anonymous memory."""
    found = []
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw"):
                continue
            start, end = (int(address, 16) for address in span.split("-"))
            with contextlib.suppress(OSError):  # The kernel's own pages are not for reading.
                memory.seek(start)
                found.append(memory.read(end - start))
    return b"".join(found)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look into a process that forbids dumps")
def test_no_provider_key_stays_in_memory_once_the_requests_that_carried_it_are_out(site):
    """Row 56: whatever became of the calls, and however many there were."""
    key, _ = set_up(site, "--store")
    gateway = site.serve({"MEMORY_CANARY": "canary-that-the-search-must-find"})
    messages = [{"role": "user", "content": "Hello."}]
    # Waiting at once, so that many buffers are in use and most of them are not written over by the calls behind.
    def wait_for_a_head(_):
        with site.client(key) as client:
            client.chat.completions.create(model="sim/sim-mini?head_ms=1500", messages=messages)

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        list(pool.map(wait_for_a_head, range(24)))
    with site.client(key) as client:
        # A client that leaves halfway, and one whose provider is gone.
        with client.chat.completions.create(model="fast", messages=messages, stream=True) as stream:
            next(iter(stream))
        site.simulator.stop()
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(model="fast", messages=messages)
    memory = memory_of(gateway.pid)
    assert b"canary-that-the-search-must-find" in memory, "the search itself works"
    assert CLI_KEY.encode() not in memory
