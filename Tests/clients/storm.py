"""A storm of calls through a gateway that is killed in its midst, and the comparison of what its ledger says afterwards
with what the provider saw.

Each call has a number of its own, in its prompt and in `x-turnpike-metadata`, so that rows of the ledger and calls in
the simulator's record can be put side by side.
"""

import asyncio
import collections
import contextlib
import dataclasses
import json
import pathlib
import random
import re
import signal
import socket
import sqlite3
import subprocess
import time

import httpx
import yaml

from conftest import BINARY, PROVIDER_KEY, Program, Simulator, configuration_for, free_port, poll

# Dollars per million tokens are millionths of a dollar per token.
INPUT_PRICE, OUTPUT_PRICE = 3, 7
# Tokens of each event of a stream.
CHUNK_TOKENS = 3
# The longest that a stream's counted tokens may be behind (A+.4), and what a busy machine may add to it.
CHECKPOINT_SECONDS, SLACK_SECONDS = 2.0, 1.0


@dataclasses.dataclass(frozen=True)
class Profile:
    """One sort of call; the model's options say what the provider does with it."""

    name: str
    options: str
    weight: int
    is_stream: bool = True
    # Milliseconds between two tokens.
    interval: int = 20
    leaves_after: int = 0
    has_key: bool = False

    @property
    def model(self) -> str:
        # Three tokens each, which is what the gateway's own count makes of them before it has learned anything.
        return f"sim/sim?{self.settings}"

    @property
    def settings(self) -> str:
        return f"{self.options}&interval_ms={self.interval}&text_bytes=16&tokens_per_chunk={CHUNK_TOKENS}"

    @property
    def path(self) -> str:
        return "/v1/chat/completions"

    def body(self, number: int) -> dict:
        body = {"model": self.model, "messages": [{"role": "user", "content": f"This is call number {number}."}]}
        return {**body, "stream": True} if self.is_stream else body


PROFILES = [
    Profile("plain-quick", "chunks=5", 2, False, 4),
    Profile("plain-slow", "chunks=40", 6, False, 25),
    Profile("plain-with-key", "chunks=30", 3, False, 25, has_key=True),
    Profile("short", "chunks=10", 4),
    Profile("middle", "chunks=60", 10),
    Profile("long", "chunks=200", 12, interval=30),
    Profile("very-long", "chunks=200", 12, interval=60),
    Profile("without-usage", "chunks=50&usage=none", 4),
    Profile("with-key", "chunks=60", 4, has_key=True),
    Profile("slow-to-begin", "chunks=20&ttft_ms=2500", 3),
    Profile("leaving", "chunks=200", 5, leaves_after=12),
    Profile("cut", "chunks=100&cut_after_events=20", 3),
    Profile("failing", "status=500&ttft_ms=50", 2, False),
]


@dataclasses.dataclass
class Sent:
    """What became of a call, as its client saw it."""

    number: int
    profile: Profile
    body: bytes
    head: bytes
    key: str | None = None
    statuses: list = dataclasses.field(default_factory=list)
    is_whole: bool = False
    has_left: bool = False


class Caller(asyncio.Protocol):
    """One call on a connection of its own."""

    def __init__(self, call: Sent, done: asyncio.Future):
        self.call, self.done = call, done
        self.head = b""
        self.tail = b""
        self.wanted = None
        self.events = 0

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.call.head + self.call.body)

    def data_received(self, data: bytes):
        if self.head is not None:
            self.head += data
            head, mark, data = self.head.partition(b"\r\n\r\n")
            if not mark:
                return
            self.head = None
            self.call.statuses.append(int(head[9:12]))
            length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)
            self.wanted = int(length[1]) if length else None
        self.tail = (self.tail + data)[-8:]
        if self.wanted is None:
            is_whole = self.tail.endswith(b"0\r\n\r\n")
        else:
            self.wanted -= len(data)
            is_whole = self.wanted <= 0
        self.events += data.count(b"data:")
        if is_whole:
            self.call.is_whole = True
            self.transport.close()
        elif self.call.profile.leaves_after and self.events >= self.call.profile.leaves_after:
            self.call.has_left = True
            self.transport.abort()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_result(None)


@dataclasses.dataclass
class Seen:
    """A call as the provider's record has it."""

    number: int
    prompt: int
    completion: int
    written: int
    ending: str
    status: int | None
    complete: int
    first_byte: int
    finished: int
    # When the gateway was killed while this ran; 0 if it was not.
    killed: int = 0

    @classmethod
    def of(cls, call: dict) -> "Seen":
        # A request that was cut off in the middle reached nobody's model.
        text = call["body"] or ""
        number = re.search(r"call number (\d+)", text)
        return cls(
            int(number[1]) if number else 0, call["prompt_tokens"], call["completion_tokens"], call["tokens_written"],
            call["ending"], call["status"], call["body_complete_ns"] or 0, call["first_byte_ns"] or 0,
            call["finished_ns"] or 0,
        )


def witness(folder: pathlib.Path) -> Simulator:
    """A provider of its own for a storm, with a record that holds all that a life of the gateway brings."""
    return Simulator(folder, arguments=["--quiet", "--record", "200000"])


def site(simulator: Simulator, **more) -> dict:
    """Prices, budgets and limits that a storm does not reach, and all the machinery on."""
    return no_bootstrap(
        simulator,
        prices={"sim/*": {"input": INPUT_PRICE, "output": OUTPUT_PRICE}},
        budgets={
            "hard": {"group": "demo", "usd": 1_000_000, "per": "total", "mode": "hard"},
            "soft": {"key": "*", "usd": 1_000_000, "per": "total", "mode": "soft"},
        },
        limits={"demo": {"group": "demo", "rpm": 6_000_000, "concurrent": 5000, "queue": "1s"}},
        **more,
    )


def no_bootstrap(simulator: Simulator, **more) -> dict:
    """Without a group: `Mortal.prepare` makes it, as an administrator does."""
    configuration = configuration_for(simulator, **more)
    del configuration["bootstrap"]
    return configuration


class Mortal:
    """A gateway that dies and comes back, on one folder and one port."""

    # Several may stand side by side before any of them listens.
    _ports: set[int] = set()

    def __init__(self, folder: pathlib.Path, configuration: dict, data: pathlib.Path | None = None):
        self.folder = folder
        self.port = next(port for port in iter(free_port, 0) if port not in self._ports)
        self._ports.add(self.port)
        self.data = data or folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "turnpike.yaml").write_text(yaml.safe_dump(configuration))
        self.program: Program | None = None
        self.starts: list[float] = []

    def begin(self, environment: dict | None = None):
        """Starts it and does not wait."""
        arguments = ["serve", "--server-listen", f"127.0.0.1:{self.port}", "--data-dir", self.data,
                     "--log-file", self.folder / "log.jsonl", "--config", self.folder / "turnpike.yaml"]
        self.began = time.monotonic()
        self.program = Program(arguments, self.folder, environment)

    def start(self, environment: dict | None = None, seconds: float = 30):
        self.begin(environment)
        poll(self.is_ready, seconds, 0.002, "the gateway is ready")
        self.starts.append(time.monotonic() - self.began)

    def is_ready(self) -> bool:
        self.program.must_live()
        return self.get("/readyz")[0] == 200

    def prepare(self, providers=("sim", "openrouter")):
        """Makes the group `demo` with its key for calls and the providers' key, and stops again."""
        self.start()
        self.admin_key = (self.data / "first-key").read_text().strip()
        headers = {"authorization": f"Bearer {self.admin_key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}/api/v1", headers=headers, trust_env=False) as api:
            api.post("/groups", json={"id": "demo", "name": "Demo"}).raise_for_status()
            for provider in providers:
                body = {"provider": provider, "apiKey": PROVIDER_KEY}
                api.post("/groups/demo/credentials", json=body).raise_for_status()
            answer = api.post("/groups/demo/keys", json={"name": "storm"}).raise_for_status()
            self.key = answer.json()["data"]["secret"]
        assert self.program.stop() == 0

    def get(self, path: str, key: str | None = None) -> tuple[int, bytes]:
        """A request by hand: an HTTP client takes longer to make than a gateway to start."""
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                field = f"Authorization: Bearer {key}\r\n" if key else ""
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: g\r\n{field}Connection: close\r\n\r\n".encode())
                answer = b""
                while data := connection.recv(65536):
                    answer += data
            if answer:
                return int(answer[9:12]), answer.partition(b"\r\n\r\n")[2]
        return 0, b""

    def kill(self) -> int:
        """Ends it as `kill -9` does, and says when."""
        at = time.monotonic_ns()
        self.program.send(signal.SIGKILL)
        # Without a limit, because with one Python looks only now and then.
        self.program.process.wait()
        return at

    def stop(self):
        if self.program:
            self.program.stop()

    # MARK: what it says

    def metric(self, name: str) -> float:
        text = self.get("/metrics", self.admin_key)[1].decode()
        found = re.search(rf"^{name} (\S+)$", text, re.M)
        assert found, f"no {name} in the metrics: {text[:300]}"
        return float(found[1])

    def budgets(self) -> dict[str, dict]:
        """The standings, by the budget's name, added up over what it counts by itself."""
        status, body = self.get("/api/v1/budgets", self.admin_key)
        assert status == 200, body
        return {budget["name"]: budget for budget in json.loads(body)["data"]}

    def run(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(BINARY), *arguments, "--config", str(self.folder / "turnpike.yaml")],
            cwd=self.folder, capture_output=True, text=True, timeout=300,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "TURNPIKE_DATA_DIR": str(self.data)},
        )

    def verdict(self) -> dict:
        """`turnpike usage verify`."""
        run = self.run("usage", "verify", "--json")
        assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
        return json.loads(run.stdout)

    def query(self, sql: str) -> list[sqlite3.Row]:
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/turnpike.db?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return database.execute(sql).fetchall()

    def rows(self) -> dict[int, list[sqlite3.Row]]:
        """The ledger, by the number of the call."""
        found = collections.defaultdict(list)
        for row in self.query("SELECT * FROM ledger ORDER BY seq"):
            found[json.loads(row["metadata"])["n"] if row["metadata"] else 0].append(row)
        return found

    def settled(self, seconds: float = 60):
        """Waits until nothing is under way and everything is in the ledger."""
        def is_done():
            if self.metric("turnpike_attempts_open") > 0:
                return False
            # Of each life that is not in the ledger whole there is a folder.
            epochs = [int(folder.name) for folder in (self.data / "journal").iterdir()]
            if len(epochs) != 1:
                return False
            rows = self.query(f"SELECT COUNT(*) AS n FROM ledger WHERE attempt_id >= {epochs[0] << 36}")[0]["n"]
            return rows == self.metric("turnpike_attempts_total")

        poll(is_done, seconds, 0.05, "everything is in the ledger")


class Storm:
    """Keeps connections busy with calls of all sorts, across the deaths of the gateway."""

    def __init__(self, gateway: Mortal, simulator: Simulator, connections: int, seed: int, profiles=PROFILES):
        self.gateway, self.simulator, self.count = gateway, simulator, connections
        self.chance = random.Random(seed)
        self.profiles = profiles
        self.calls: dict[int, Sent] = {}
        self.seen: list[Seen] = []
        self.running: set[int] = set()
        self.again: list[Sent] = []
        self.retried = collections.Counter()
        self.may_call = asyncio.Event()
        self.is_over = False
        self.in_flight: list[int] = []

    def next_call(self) -> Sent:
        if self.again:
            return self.again.pop()
        profile = self.chance.choices(self.profiles, [profile.weight for profile in self.profiles])[0]
        number = len(self.calls) + 1
        key = f"storm-{id(self)}-{number}" if profile.has_key else None
        data = json.dumps(profile.body(number)).encode()
        field = f"Idempotency-Key: {key}\r\n" if key else ""
        head = (
            f"POST {profile.path} HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {self.gateway.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n{field}"
            f'x-turnpike-metadata: {{"n":{number}}}\r\n\r\n'
        ).encode()
        call = self.calls[number] = Sent(number, profile, data, head, key)
        return call

    async def work(self):
        loop = asyncio.get_running_loop()
        while not self.is_over:
            await self.may_call.wait()
            if self.is_over:
                return
            call = self.next_call()
            done = loop.create_future()
            try:
                await loop.create_connection(lambda: Caller(call, done), "127.0.0.1", self.gateway.port)
            except OSError:
                # The gateway is gone, and with it the call, which was never made.
                if not call.statuses and call.number == len(self.calls):
                    del self.calls[call.number]
                elif call.key:
                    self.again.append(call)
                await asyncio.sleep(0.001)
                continue
            self.running.add(call.number)
            await done
            self.running.discard(call.number)
            if call.key and not call.is_whole and not call.has_left:
                # What every client with a key does: ask again.
                self.retried["asked"] += 1
                if self.retried[call.number] < 3:
                    self.retried[call.number] += 1
                    self.again.append(call)

    async def until(self, in_flight: int, seconds: float = 20):
        """Waits until so many calls have reached the provider and are under way there."""
        deadline = time.monotonic() + seconds
        while (running := self.simulator.http.get("/sim/totals").json()["running"]) < in_flight:
            assert time.monotonic() < deadline, f"only {running} calls are under way"
            self.gateway.program.must_live()
            await asyncio.sleep(0.005)

    def take_record(self, killed: int = 0, seconds: float = 10) -> int:
        """Takes over what the provider saw of a life that is over; gives how many calls were in flight at its end."""

        def ended():
            record = self.simulator.http.get("/sim/record").json()
            assert record["dropped"] == 0, "the record is too small"
            return record if all(call["ending"] != "running" for call in record["calls"]) else None

        record = poll(ended, seconds, 0.005, "the provider's calls have ended")
        self.simulator.clear()
        in_flight = 0
        for call in map(Seen.of, record["calls"]):
            if killed and call.complete and call.complete <= killed <= call.finished:
                call.killed = killed
                in_flight += 1
            self.seen.append(call)
        return in_flight

    @contextlib.asynccontextmanager
    async def blowing(self):
        self.may_call.set()
        workers = [asyncio.create_task(self.work()) for _ in range(self.count)]
        try:
            yield self
        finally:
            self.is_over = True
            self.may_call.set()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)


def volley(gateway: Mortal, bodies: list[dict]) -> list[Sent]:
    """All calls at the same moment, each on a connection of its own."""
    calls = []
    for number, body in enumerate(bodies, 1):
        data = json.dumps(body).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {gateway.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        ).encode()
        calls.append(Sent(number, Profile("volley", "", 1, body.get("stream", False)), data, head))

    async def all_of_them():
        loop = asyncio.get_running_loop()

        async def one(call: Sent):
            done = loop.create_future()
            await loop.create_connection(lambda: Caller(call, done), "127.0.0.1", gateway.port)
            await done

        await asyncio.gather(*(one(call) for call in calls))

    asyncio.run(all_of_them())
    return calls


# --- The comparison --------------------------------------------------------------------------------------------------


def compare(storm: Storm, gateway: Mortal) -> dict:
    """Holds the ledger against the provider's record and against what clients saw; gives the figures."""
    rows = gateway.rows()
    seen: dict[int, list[Seen]] = collections.defaultdict(list)
    for call in storm.seen:
        if call.number:
            seen[call.number].append(call)
    figures = collections.Counter(seen=sum(map(len, seen.values())), rows=sum(map(len, rows.values())))
    wrong: list[str] = []
    lags: list[float] = []
    for number, calls in seen.items():
        mine = rows.get(number, [])
        if len(calls) > 1:
            # What failed without an answer is tried again, each attempt with a row of its own that charges nobody.
            profile = storm.calls[number].profile
            if profile.name != "failing":
                wrong.append(f"call {number} ({profile.name}) reached the provider {len(calls)} times")
            if any(row["charged"] for row in mine) or len({row["attempt_id"] for row in mine}) != len(mine):
                wrong.append(f"call {number} failed {len(calls)} times: {[dict(row) for row in mine]}")
            figures["tried again"] += len(calls) - 1
        if len(mine) < len(calls):
            figures["lost"] += 1
            wrong.append(f"call {number} has {len(mine)} rows: lost, {calls}")
        # A second attempt that was written down when the gateway died, and had not gone out.
        unsent = [row for row in mine if row["outcome"] == "interrupted" and row["charged"] == 0 and row["number"] > 1]
        if len(mine) - len(unsent) > len(calls):
            figures["doubled"] += 1
            wrong.append(f"call {number} has {len(mine)} rows: doubled, {[dict(row) for row in mine]}")
        if len(mine) == len(calls) == 1:
            wrong += check(storm.calls[number].profile, calls[0], mine[0], figures, lags)
    for number, mine in rows.items():
        for row in mine:
            tokens = INPUT_PRICE * (row["input_tokens"] or 0) + OUTPUT_PRICE * (row["output_tokens"] or 0)
            if row["cost"] != tokens or row["charged"] != (tokens if row["is_charged"] else 0):
                wrong.append(f"call {number} costs {row['cost']} and is charged {row['charged']}, not {tokens}")
        if number not in seen:
            figures["never reached"] += len(mine)
            if sum(row["charged"] for row in mine):
                wrong.append(f"call {number} is charged, and the provider never saw it: {[dict(row) for row in mine]}")
    for number, call in storm.calls.items():
        if call.is_whole and call.statuses and call.statuses[-1] == 200 and not call.key and number not in rows:
            wrong.append(f"call {number} was answered and is in no row")
    figures["wrong"] = len(wrong)
    assert not wrong, f"{len(wrong)} wrong, {dict(figures)}:\n" + "\n".join(wrong[:12])
    if lags:
        figures["seconds behind, at most"] = round(max(lags), 2)
    return dict(figures)


def check(profile: Profile, call: Seen, row: sqlite3.Row, figures: collections.Counter, lags: list[float]) -> list[str]:
    """What is wrong with one row, given what the provider saw."""
    outcome, source = row["outcome"], row["usage_source"]
    output = row["output_tokens"] or 0
    figures[outcome] += 1
    name = f"call {call.number} ({profile.name}, {outcome}, {source})"
    if outcome == "ok" and source == "provider":
        if (row["input_tokens"], output) == (call.prompt, call.completion):
            return []
        return [f"{name} has {row['input_tokens']}+{output}, the provider {call.prompt}+{call.completion}"]
    if outcome in ("refused", "failed"):
        return [] if row["charged"] == 0 and call.written == 0 else [f"{name} charged {row['charged']}: {call}"]
    # What was counted here, of a text that the provider counts by its own rule: as much as it wrote, or less.
    above = output - call.written
    if above > 1 + call.written // 20:
        return [f"{name} counts {output} tokens, the provider wrote {call.written}"]
    if outcome == "ok":
        return [] if abs(above) <= 1 + call.written // 20 else [f"{name} guesses {output}, not {call.completion}"]
    if profile.is_stream and call.killed:
        interval = profile.interval / 1000
        is_begun = row["output_tokens"] is not None
        seconds = (CHECKPOINT_SECONDS if is_begun else 0) + SLACK_SECONDS
        lag = (call.written - output) / CHUNK_TOKENS * interval
        lags.append(lag)
        figures["in a stream when killed"] += 1
        # One event is on its way, and one may come after the death.
        if lag > seconds + 2 * interval:
            return [f"{name} is {lag:.1f} s behind {call.written} tokens, with {CHUNK_TOKENS} each {interval} s"]
    return []


def check_sums(gateway: Mortal):
    """What the budgets have counted is what the ledger says, and nothing is set aside any more (I2, I3; row 75)."""
    charged = gateway.query("SELECT COALESCE(SUM(charged), 0) AS n FROM ledger")[0]["n"]
    hours = gateway.query("SELECT COALESCE(SUM(charged), 0) AS n FROM usage_hours")[0]["n"]
    assert hours == charged
    for name, budget in gateway.budgets().items():
        assert round(budget["spent"] * 1_000_000) == charged, f"{name}: {budget}, the ledger says {charged}"
        assert budget["reserved"] == 0, f"{name}: {budget}"
