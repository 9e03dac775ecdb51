"""Starts the real release binary, gateway and simulator, for tests that talk to it as its users do."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
import yaml

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("TURNPIKE_BINARY", REPOSITORY / ".build/release/turnpike"))

# Planted everywhere, and searched for in everything the gateway writes.
GATEWAY_KEY = "tp_test_canary-gateway-key-5d1f0c9a7b"
PROVIDER_KEY = "sk-canary-provider-key-83b1a6e2f4c7"
CANARY_PROMPT = "canary-prompt-the-violet-heron-counts-to-nine"
CANARIES = [GATEWAY_KEY, PROVIDER_KEY, CANARY_PROMPT]

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def poll(what, seconds: float = 10.0, every: float = 0.01, message: str = ""):
    """Calls `what` until it gives something true, and returns that. Fails when the time is up."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {message or what}")
        time.sleep(every)


class Program:
    """One run of the binary with its output in files."""

    def __init__(self, arguments: list, folder: pathlib.Path, environment: dict | None = None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.stdout, self.stderr = folder / "stdout.txt", folder / "stderr.txt"
        # What is set for whoever runs the tests must not change what is tested.
        clean = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        with self.stdout.open("ab") as out, self.stderr.open("ab") as err:
            self.process = subprocess.Popen(
                [str(BINARY), *map(str, arguments)],
                cwd=folder,
                env={**clean, "HOME": str(folder), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def send(self, number: signal.Signals):
        self.process.send_signal(number)

    def wait(self, seconds: float = 10.0) -> int:
        return self.process.wait(seconds)

    def must_live(self):
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f"ended with {code}: {self.stdout.read_text()}{self.stderr.read_text()}")

    def stop(self) -> int | None:
        if self.process.poll() is None:
            self.send(signal.SIGTERM)
            try:
                return self.wait(8)
            except subprocess.TimeoutExpired:
                self.process.kill()
                return self.wait()
        return self.process.returncode

    def resident_bytes(self) -> int:
        return int(pathlib.Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * resource.getpagesize()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class Simulator(Program):
    """`turnpike simulate`: the provider, and the independent witness of what reached it."""

    def __init__(
        self, folder: pathlib.Path, required_key: str | None = PROVIDER_KEY, arguments: list | None = None
    ):
        self.port = free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/v1"
        key = ["--key", required_key] if required_key else []
        given = ["simulate", "--listen", f"127.0.0.1:{self.port}", "--pace", "none", *key]
        super().__init__([*given, *(arguments or [])], folder)
        self.http = httpx.Client(base_url=self.root, trust_env=False, timeout=10)
        poll(self.answers, message="the simulator answers")

    def answers(self) -> bool:
        self.must_live()
        with contextlib.suppress(httpx.HTTPError):
            return self.http.get("/sim/health").status_code == 200
        return False

    def calls(self, model: str | None = None) -> list[dict]:
        """What it saw since it was last cleared, in order; only calls for `model` if one is given, whatever its options."""

        def is_wanted(call: dict) -> bool:
            return model is None or call["model"] is not None and model in (call["model"], call["model"].partition("?")[0])

        return [call for call in self.http.get("/sim/record").json()["calls"] if is_wanted(call)]

    def clear(self):
        self.http.delete("/sim/record")


class Gateway(Program):
    """`turnpike serve` with a configuration, a port and a data folder of its own."""

    def __init__(
        self,
        folder: pathlib.Path,
        configuration: dict | None,
        environment: dict | None = None,
        arguments: list | None = None,
        wait: bool = True,
        port: int | None = None,
    ):
        self.port = port or free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.root}/v1"
        self.data = folder / "data"
        self.log_file = folder / "log.jsonl"
        self.configuration_file = folder / "turnpike.yaml"
        folder.mkdir(parents=True, exist_ok=True)
        given = ["serve", "--server-listen", f"127.0.0.1:{self.port}", "--data-dir", self.data, "--log-file", self.log_file]
        if configuration is not None:
            self.configure(configuration)
            given += ["--config", self.configuration_file]
        super().__init__(given + (arguments or []), folder, environment)
        self.http = httpx.Client(
            base_url=self.root, headers={"Authorization": f"Bearer {GATEWAY_KEY}"}, trust_env=False, timeout=20
        )
        if wait:
            self.wait_ready()

    def configure(self, configuration: dict):
        """Replaces the file as editors do, so that nobody reads half of it."""
        fresh = self.configuration_file.with_suffix(".new")
        fresh.write_text(yaml.safe_dump(configuration))
        fresh.rename(self.configuration_file)

    def is_ready(self) -> bool:
        self.must_live()
        with contextlib.suppress(httpx.HTTPError):
            return self.http.get("/readyz").status_code == 200
        return False

    def wait_ready(self):
        poll(self.is_ready, message="the gateway is ready")

    def log_lines(self) -> list[dict]:
        if not self.log_file.exists():
            return []
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]

    def written(self) -> str:
        """Everything it wrote that somebody could read."""
        texts = [path.read_text() for path in (self.stdout, self.stderr, self.log_file) if path.exists()]
        return "\n".join(texts)

    def chat(self, model: str, content: str = "Say something.", **more) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
        return self.http.post("/v1/chat/completions", json=body)


def configuration_for(simulator: Simulator, **more) -> dict:
    """One group with one key; the simulator as an OpenAI and as an OpenRouter."""
    return {
        "providers": {
            "sim": {"kind": "openai", "base_url": simulator.url, "allow_private": True},
            "openrouter": {"kind": "openai", "base_url": f"{simulator.root}/api/v1", "allow_private": True},
        },
        "models": {"fast": {"targets": [{"provider": "sim", "model": "sim-mini"}]}},
        "defaults": {"model": "fast", "provider": "sim"},
        "bootstrap": {
            "groups": [
                {
                    "id": "demo",
                    "credentials": [
                        {"provider": "sim", "api_key": PROVIDER_KEY},
                        {"provider": "openrouter", "api_key": PROVIDER_KEY},
                    ],
                    "keys": [{"name": "dev", "secret": GATEWAY_KEY}],
                }
            ]
        },
        **more,
    }


def must_not_leak(gateway: Gateway):
    written = gateway.written()
    for canary in CANARIES:
        assert canary not in written, f"{canary} stands in what the gateway wrote"


@pytest.fixture(scope="session")
def _simulator(tmp_path_factory):
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there; build it with: make build", returncode=2)
    simulator = Simulator(tmp_path_factory.mktemp("simulator"))
    yield simulator
    simulator.stop()


@pytest.fixture(scope="session", autouse=True)
def _simulator_for_its_own_tests(request, tmp_path_factory):
    """test_simulator*.py take the address of any simulator; without one in the environment they get one here."""
    wanted = any(item.fspath.basename.startswith("test_simulator") for item in request.session.items)
    if not wanted or "TURNPIKE_SIM_URL" in os.environ:
        yield
        return
    simulator = Simulator(tmp_path_factory.mktemp("open-simulator"), required_key=None)
    os.environ["TURNPIKE_SIM_URL"] = simulator.root
    yield
    simulator.stop()


@pytest.fixture
def simulator(_simulator):
    """The provider, with an empty record."""
    _simulator.must_live()
    _simulator.clear()
    return _simulator


@pytest.fixture(scope="session")
def _gateway(_simulator, tmp_path_factory):
    gateway = Gateway(tmp_path_factory.mktemp("gateway"), configuration_for(_simulator))
    yield gateway
    gateway.stop()
    must_not_leak(gateway)


@pytest.fixture
def gateway(_gateway):
    """One gateway for all tests that only call it."""
    _gateway.must_live()
    return _gateway


@pytest.fixture(scope="session")
def _world(tmp_path_factory):
    from dialects import World

    world = World(tmp_path_factory.mktemp("world"))
    yield world
    world.stop()
    must_not_leak(world.gateway)


@pytest.fixture
def world(_world):
    """One gateway in front of providers of every dialect, with an empty record; see dialects.py."""
    _world.gateway.must_live()
    _world.simulator.must_live()
    _world.simulator.clear()
    _world.simulator.http.delete("/sim/script")
    return _world


@pytest.fixture
def start_gateway(tmp_path, simulator):
    """Starts gateways of the test's own: `start_gateway(server={"drain": "1s"})`."""
    started = []

    def start(configuration: dict | None = None, environment=None, arguments=None, wait=True, port=None, **more) -> Gateway:
        configuration = configuration if configuration is not None else configuration_for(simulator, **more)
        gateway = Gateway(tmp_path / f"gateway-{len(started)}", configuration, environment, arguments, wait, port)
        started.append(gateway)
        return gateway

    yield start
    for gateway in started:
        gateway.stop()
        must_not_leak(gateway)


@pytest.fixture
def key() -> str:
    return GATEWAY_KEY


@pytest.fixture
def client(gateway):
    """The official SDK, as an application has it; without retries, so that one call is one call."""
    import openai

    with openai.OpenAI(base_url=gateway.url, api_key=GATEWAY_KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def direct(simulator):
    """The same SDK talking to the provider itself: what the gateway must not change."""
    import openai

    with openai.OpenAI(base_url=simulator.url, api_key=PROVIDER_KEY, max_retries=0) as client:
        yield client


def tool(name: str) -> str:
    """Path of a program that the test needs."""
    path = shutil.which(name)
    if not path:
        pytest.fail(f"{name} is not installed; scripts/packages names where it comes from")
    return path
