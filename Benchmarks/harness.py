"""Processes under test and around it: starting, pinning, CPU time, memory. Standard library only."""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import time

HERE = pathlib.Path(__file__).resolve().parent
KEY = "bench-key-0123456789abcdefghijkl"  # The gateway key of the benchmark's own gateway, on loopback.
MODEL = "bench/plain-1"
CHAT = "/v1/chat/completions"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

# One side of the measurement each: what is measured has a core to itself, load and provider share the other.
SUBJECT_CORE = "0"
LOAD_CORE = "1"
# How threads of the gateway's event loops begin. Its other threads bring what the journal says into the ledger.
LOOP_THREAD = "NIO-ELT"


class BenchError(Exception):
    """The measurement could not be made; says why."""


def cpu_ticks(stat) -> int:
    fields = pathlib.Path(stat).read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def request_body(model: str) -> bytes:
    """A chat call of 1,024 bytes."""
    call = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer in one paragraph and name your sources."},
            {"role": "user", "content": ""},
        ],
        "temperature": 0.7,
        "max_tokens": 512,
    }
    missing = 1024 - len(json.dumps(call))
    call["messages"][1]["content"] = ("Why is the sky blue at noon and red in the evening? " * 40)[:missing]
    body = json.dumps(call).encode()
    assert len(body) == 1024
    return body


def answer_body() -> str:
    """A chat completion of 1,300 bytes, without characters that nginx would want to be quoted."""
    answer = {
        "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "object": "chat.completion",
        "created": 1741569952,
        "model": "plain-1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 190,
            "completion_tokens": 160,
            "total_tokens": 350,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
    }
    missing = 1300 - len(json.dumps(answer))
    text = "Light from the sun is scattered by the molecules of the air, the blue part far more than the red. " * 20
    answer["choices"][0]["message"]["content"] = text[:missing]
    return json.dumps(answer)


def message_body() -> str:
    """An answer of Anthropic's of the same length."""
    answer = {
        "id": "msg_013Zva2CMHLNnXjNJJKqJ2EF",
        "type": "message",
        "role": "assistant",
        "model": "plain-1",
        "content": [{"type": "text", "text": ""}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 190, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 160},
    }
    missing = 1300 - len(json.dumps(answer))
    text = "Light from the sun is scattered by the molecules of the air, the blue part far more than the red. " * 20
    answer["content"][0]["text"] = text[:missing]
    return json.dumps(answer)


class Process:
    """One started program, its log in a file, ended with what it started."""

    def __init__(self, arguments, folder: pathlib.Path, name: str, environment=None, core=None):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if core is not None:
            arguments = ["taskset", "-c", core, *arguments]
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                preexec_fn=raise_file_limit,
            )

    def pids(self) -> list[int]:
        """The process and its children: nginx works in its children."""
        found = [self.process.pid]
        for pid in found:
            with contextlib.suppress(OSError):
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu_seconds(self) -> float:
        """User and system time so far, of every thread."""
        return sum(cpu_ticks(f"/proc/{pid}/stat") for pid in self.pids()) / TICKS

    def loop_seconds(self) -> float:
        """The same of the event loops alone, which is where calls are served; of nginx it is all."""
        tasks = [task for pid in self.pids() for task in pathlib.Path(f"/proc/{pid}/task").iterdir()]
        loops = [task for task in tasks if (task / "comm").read_text().startswith(LOOP_THREAD)]
        return sum(cpu_ticks(task / "stat") for task in loops) / TICKS if loops else self.cpu_seconds()

    def rest(self, seconds=120.0):
        """Returns once the process has nothing more to do: what came of the calls is in the ledger."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            before = self.cpu_seconds()
            time.sleep(0.5)
            # Two ticks of the kernel's clock: four percent.
            if self.cpu_seconds() - before <= 2 / TICKS:
                return
        raise BenchError(f"{self.log.name} is still at work {seconds:g} s after the last call")

    def resident_bytes(self) -> int:
        """Memory of the workers; nginx's master, which does nothing, is left out."""
        pids = self.pids()
        workers = pids[1:] or pids
        return sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers) * PAGE

    def forget_peak(self):
        """Lets `peak_bytes` begin at what is resident now."""
        for pid in self.pids():
            pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")

    def peak_bytes(self) -> int:
        """The most memory that a process of one was resident at since `forget_peak`."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) * 1024

    def must_live(self):
        code = self.process.poll()
        if code is not None:
            raise BenchError(f"{self.log.name} ended with {code}:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def raise_file_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def wait_for(port: int, process: Process, path="/", seconds=10.0) -> None:
    """Returns once something answers HTTP on the port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        process.must_live()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)
    raise BenchError(f"nothing answers on port {port}; see {process.log}")


def make_certificates(folder: pathlib.Path) -> None:
    """A certificate authority, and a certificate of it for localhost."""
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    folder.mkdir(parents=True, exist_ok=True)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=bench authority")
    openssl("req", *new_key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-out", "server.pem", "-days", "2", "-extfile", "names",
    )


class Bench:
    """What all rows share: a folder, the providers, and ways to start what is measured."""

    def __init__(self, folder: pathlib.Path, turnpike: pathlib.Path | None, quick: bool, metering: pathlib.Path | None = None):
        self.folder = folder
        self.metering_binary = metering  # What measures journal and ledger without a socket.
        self.turnpike_binary = turnpike  # None: a second nginx stands in, to see how exact the measurement is.
        self.quick = quick
        self.profile_prefix: pathlib.Path | None = None  # Where profiles go, if they are wanted.
        self.processes: list[Process] = []
        self.certificates = folder / "certificates"
        self.upstream_port, self.upstream_tls_port = free_port(), free_port()
        self.stream_port, self.stream_tls_port = free_port(), free_port()
        self.loadgen = folder / "loadgen"

    def start_providers(self):
        make_certificates(self.certificates)
        compiler = shutil.which("cc") or shutil.which("gcc")
        subprocess.run([compiler, "-O2", "-Wall", "-Werror", "-o", self.loadgen, HERE / "loadgen.c"], check=True)
        self.body = self.folder / "body.json"
        self.body.write_bytes(request_body(MODEL))
        self.start_source()
        self.upstream = self.start_nginx(
            "upstream",
            LOAD_CORE,
            PORT=self.upstream_port,
            TLS_PORT=self.upstream_tls_port,
            STREAM_PORT=self.stream_port,
            TLS_STREAM_PORT=self.stream_tls_port,
            ANSWER=answer_body(),
            MESSAGE=message_body(),
        )
        wait_for(self.upstream_port, self.upstream)

    def start_source(self):
        self.source = self.start([self.loadgen, "source", self.stream_port], "source", core=LOAD_CORE)
        wait_for(self.stream_port, self.source)

    def start(self, arguments, name, environment=None, core=None) -> Process:
        process = Process(arguments, self.folder, name, environment, core)
        self.processes.append(process)
        return process

    def start_nginx(self, template: str, core, name=None, **values) -> Process:
        run = self.folder / (name or template)
        run.mkdir(parents=True, exist_ok=True)
        for certificate in ("ca.pem", "server.pem", "server.key"):
            shutil.copy(self.certificates / certificate, run)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        values |= {"USER": "root" if os.geteuid() == 0 else "nobody", "RUN": run, "FILES": files, "CONNECTIONS": files - 100}
        text = (HERE / "nginx" / f"{template}.conf").read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        configuration = run / "nginx.conf"
        configuration.write_text(text)
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        return self.start([binary, "-p", run, "-c", configuration, "-g", "daemon off;"], name or template, core=core)

    def proxy(self, workers=1, log=False, core=SUBJECT_CORE, name="nginx") -> "Side":
        """nginx as plain reverse proxy."""
        port = free_port()
        name = f"{name}-{workers}{'-log' if log else ''}-{port}"
        log_file = self.folder / f"{name}-access.log"
        process = self.start_nginx(
            "proxy",
            core,
            name=name,
            PORT=port,
            WORKERS=workers,
            # One write for each call, which is nginx's default.
            ACCESS_LOG=f"access_log {log_file} combined;" if log else "access_log off;",
            UPSTREAM_PORT=self.upstream_port,
            UPSTREAM_TLS_PORT=self.upstream_tls_port,
            STREAM_PORT=self.stream_port,
            TLS_STREAM_PORT=self.stream_tls_port,
        )
        wait_for(port, process)
        prefixes = {"bench": "/plain", "claude": "/plain", "secure": "/tls", "streams": "/stream", "secure-streams": "/tls-stream"}
        return Side("nginx", process, port, prefixes)

    def gateway(
        self, loops=1, log=False, core=SUBJECT_CORE, wait=True, more="", name="turnpike", data=None, more_environment=None
    ) -> "Side":
        """Turnpike with a configuration of its own; authentication, routing, metrics, journal and ledger as always.

        `more` are further settings; `data` is a folder that is there already; `more_environment` is for whoever looks inside.
        """
        if self.turnpike_binary is None:
            return self.proxy(loops, log, core, name="stand-in")
        port = free_port()
        folder = self.folder / f"{name}-{loops}{'-log' if log else ''}-{port}"
        folder.mkdir()
        configuration = folder / "turnpike.yaml"
        configuration.write_text(self.configuration(port) + more)
        log_file = folder / "calls.log"
        settings = {"TURNPIKE_LOG_FILE": str(log_file), "TURNPIKE_SERVER_LOOPS": str(loops), "TURNPIKE_LOG_CALLS": "true" if log else "false"}
        arguments = [self.turnpike_binary, "serve", "--config", configuration, "--data-dir", data or folder / "data"]
        process = self.start(arguments, folder.name, settings | (more_environment or {}), core)
        if wait:
            wait_for(port, process, "/readyz")
        return Side(name, process, port, {name: "" for name in ("bench", "claude", "secure", "streams", "secure-streams")})

    def configuration(self, port: int) -> str:
        secret = f"sk-bench-{secrets.token_hex(16)}"
        providers = {
            "bench": f"http://127.0.0.1:{self.upstream_port}/v1",
            "secure": f"https://localhost:{self.upstream_tls_port}/v1",
            "streams": f"http://127.0.0.1:{self.stream_port}/v1",
            "secure-streams": f"https://localhost:{self.stream_tls_port}/v1",
            "claude": f"http://127.0.0.1:{self.upstream_port}",
        }
        authority = f', ca_file: "{self.certificates}/ca.pem"'
        lines = [f"server: {{ listen: 127.0.0.1:{port} }}", "providers:"]
        for name, url in providers.items():
            kind = "anthropic" if name == "claude" else "openai"
            trust = authority if url.startswith("https") else ""
            lines.append(f'  {name}: {{ kind: {kind}, base_url: "{url}", allow_private: true{trust} }}')
        credentials = ", ".join(f'{{ provider: {name}, api_key: "{secret}" }}' for name in providers)
        lines += [
            "defaults: { model: bench/plain-1, provider: bench }",
            "bootstrap:",
            "  groups:",
            f'    - {{ id: bench, credentials: [ {credentials} ], keys: [ {{ name: bench, secret: "{KEY}" }} ] }}',
        ]
        return "\n".join(lines) + "\n"

    def profile(self, name: str, side: "Side", work) -> str | None:
        """Runs `work` once more under perf; where the report is, or None if no profile is wanted."""
        if self.profile_prefix is None:
            return None
        data = self.folder / "perf.data"
        pids = ",".join(map(str, side.process.pids()))
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-F", "1999", "-g", "-p", pids, "-o", data], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            work(side)
        finally:
            perf.send_signal(signal.SIGINT)
            perf.wait(30)
        report = subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "--no-children", "-g", "none", "--percent-limit", "0.3"],
            capture_output=True,
            text=True,
        )
        names = subprocess.run(["swift", "demangle", "--compact"], input=report.stdout, capture_output=True, text=True)
        file = self.profile_prefix.with_name(f"{self.profile_prefix.name}-{name}-{side.name}.txt")
        file.write_text(names.stdout or report.stdout)
        return str(file)

    def stop(self, side: "Side"):
        self.stop_process(side.process)

    def stop_process(self, process: Process):
        process.stop()
        self.processes.remove(process)

    def stop_all(self):
        for process in reversed(self.processes):
            process.stop()


class Side:
    """One of the two that are compared."""

    def __init__(self, name: str, process: Process, port: int, prefixes: dict[str, str]):
        self.name, self.process, self.port, self.prefixes = name, process, port, prefixes

    def path(self, provider: str, operation=CHAT) -> str:
        return f"{self.prefixes[provider]}{operation}"


def wrk(
    side: Side, body: pathlib.Path, provider: str, seconds: float, connections: int, threads=1, core=LOAD_CORE, operation=CHAT
) -> dict:
    """Calls as fast as they are answered.

    `cpu_us` is what a call takes of the side's event loops, from before the first call to after the last;
    `whole_us` what it takes of the whole process until that rests again, the fold into the ledger with it.
    """
    pinned = ["taskset", "-c", core] if core else []
    before, loops_before = side.process.cpu_seconds(), side.process.loop_seconds()
    run = subprocess.run(
        [
            *pinned, "wrk", "-t", str(threads), "-c", str(connections), "-d", f"{seconds:g}s", "--latency", "-s", HERE / "chat.lua",
            f"http://127.0.0.1:{side.port}{side.path(provider, operation)}", "--", body, KEY,
        ],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
    )
    used = side.process.loop_seconds() - loops_before
    side.process.must_live()
    side.process.rest()
    line = next((line for line in run.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise BenchError(f"wrk gave no result: {run.stdout} {run.stderr}")
    result = json.loads(line.removeprefix("RESULT "))
    if result["bad_status"] or result["broken"] or not result["requests"]:
        raise BenchError(f"{side.name}: {result['bad_status']} wrong answers, {result['broken']} broken calls of {result['requests']}")
    result["cpu_us"] = used * 1e6 / result["requests"]
    result["whole_us"] = (side.process.cpu_seconds() - before) * 1e6 / result["requests"]
    result["calls_per_second"] = result["requests"] / result["seconds"]
    result["busy"] = used / result["seconds"]
    return result
