"""A rotation of the encryption key that dies at every write in turn (RELIABILITY rows 61 and 68).

The real binary runs under strace, which kills it at the n-th call that could change a file, for n = 1, 2, 3 … until a
rotation gets through. After each death every credential must open with the keys that are on the disk, and the next
rotation must finish. TURNPIKE_ROTATION_ROWS says how many credentials there are.
"""

import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess

import httpx
import pytest

from conftest import BINARY, Gateway, free_port

ROWS = int(os.environ.get("TURNPIKE_ROTATION_ROWS", "20"))
CALLS = "write,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,ftruncate,unlink,unlinkat,link,fchmod"

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")


def command(folder: pathlib.Path, *arguments, kill_at: int | None = None) -> subprocess.CompletedProcess:
    strace = [] if kill_at is None else ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}",
                                         "-e", f"inject={CALLS}:signal=KILL:when={kill_at}"]
    return subprocess.run(
        [*strace, str(BINARY), *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "TURNPIKE_DATA_DIR": str(folder / "data"),
             "TURNPIKE_SERVER_LISTEN": f"127.0.0.1:{free_port()}"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def rows_that_open(folder: pathlib.Path) -> int:
    run = command(folder, "credential", "verify", "--json")
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    found = json.loads(run.stdout)
    assert not found.get("unreadable"), found
    return found["rows"]


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> pathlib.Path:
    """A store with credentials, left as a gateway leaves it, and the next key beside it."""
    folder = tmp_path_factory.mktemp("rotation")
    port = free_port()
    gateway = Gateway(folder, {"server": {"listen": f"127.0.0.1:{port}"}}, port=port)
    try:
        key = (folder / "data/first-key").read_text().strip()
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", headers={"authorization": f"Bearer {key}"}) as api:
            for number in range(ROWS):
                api.post("/groups", json={"id": f"g{number}", "name": f"g{number}"}).raise_for_status()
                body = {"provider": "openrouter", "apiKey": f"sk-or-v1-of-group-{number}-0123456789"}
                api.post(f"/groups/g{number}/credentials", json=body).raise_for_status()
    finally:
        gateway.stop()
    assert command(folder, "keyring", "generate", "--output", str(folder / "next.key")).returncode == 0
    assert rows_that_open(folder) == ROWS
    return folder


def die_and_recover(template: pathlib.Path, folder: pathlib.Path, kill_at: int) -> bool:
    """Whether the rotation got through without being killed."""
    shutil.copytree(template, folder)
    try:
        rotate = ["credential", "rotate", "--new-key-file", str(folder / "next.key")]
        killed = command(folder, *rotate, kill_at=kill_at)
        assert rows_that_open(folder) == ROWS, f"after a death at call {kill_at}"
        again = command(folder, *rotate)
        assert again.returncode == 0, f"after a death at call {kill_at}: {again.stdout}\n{again.stderr}"
        assert rows_that_open(folder) == ROWS
        only_new = command(folder, "credential", "verify", "--key-file", str(folder / "next.key"))
        assert only_new.returncode == 0, f"after a death at call {kill_at}: {only_new.stdout}\n{only_new.stderr}"
        return killed.returncode == 0
    finally:
        shutil.rmtree(folder)


@pytest.mark.timeout(90 + 2 * ROWS)
def test_a_rotation_killed_at_any_write_loses_no_key_and_finishes_when_run_again(template, tmp_path):
    step = 4
    deaths = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for start in range(1, 100_000, step):
            numbers = range(start, start + step)
            through = list(pool.map(lambda n: die_and_recover(template, tmp_path / str(n), n), numbers))
            deaths += through.count(False)
            if all(through):
                break
    print(f"{deaths} deaths, {ROWS} credentials")
    # A rotation writes a backup, the key file twice, and every stage in a transaction of its own.
    assert deaths > 30
