"""Our hub and other servers of streams under one load, in turns.

The others only hand on, ask nobody who you are and store nothing. Ours opens streams as always, by
session and membership; ready events go straight into its hub, past the database.
"""

import asyncio
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks import dataset
from tests.benchmarks.harness import PEERS, Case, cells, compile_c, load, pin, table
from tests.support.database import databases
from tests.support.servers.server_process import free_port

_CASES = [
    Case(1_000, callers=4, seconds=3),
    Case(1_000, callers=32, seconds=3),
    Case(1_000, rate=50, seconds=3),
    Case(1_000, rate=1_000, conversations=dataset.CONVERSATIONS, seconds=3),
    Case(5_000),
]
_SHOWN = ("deliveries/s", "CPU µs each", "p50 ms", "p99 ms", "all open s", "KB/stream")
_NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Peer(NamedTuple):
    """A server, how it is started on a port, and what the load client is told of it."""

    name: str
    command: list[str]
    port: int
    arguments: list[str]
    has_channels: bool = False
    """Whether it knows more than one."""

    def can(self, case: Case) -> bool:
        """Whether it can be measured by a case."""
        return self.has_channels or case.conversations == 1


def _peer(name: str, command: list[str], port: int, *, has_channels: bool = False) -> Peer:
    base = f"http://127.0.0.1:{port}"
    urls = ["--url", f"{base}/events?room={{room}}", "--pub-url", f"{base}/pub?room={{room}}"]
    return Peer(name, command, port, urls, has_channels)


def find_peers(work: Path) -> tuple[list[Peer], list[str]]:
    """Those that can be started here, and why the others cannot."""
    found, missing = [], []
    epoll = compile_c(PEERS / "c_epoll.c", work)
    if epoll:
        port = free_port()
        found.append(_peer("C epoll loop", [str(epoll), str(port)], port))
    for name, file, needs, more in (
        ("raw uvloop", "uvloop_raw.py", (), ()),
        ("raw uvloop, joined", "uvloop_raw.py", (), ("joined",)),
        ("Sanic, queue each", "sanic_queue.py", (), ()),
        ("sse-starlette", "starlette_sse.py", ("starlette", "uvicorn", "sse_starlette"), ()),
    ):
        lacking = [need for need in needs if importlib.util.find_spec(need) is None]
        if lacking:
            missing.append(f"{name}: not installed: {', '.join(lacking)}")
            continue
        port = free_port()
        command = [sys.executable, str(PEERS / file), str(port), *more]
        found.append(_peer(name, command, port, has_channels=file == "uvloop_raw.py"))
    nchan = _nchan(work)
    if nchan:
        found.append(nchan)
    else:
        missing.append("nchan: nginx with libnginx-mod-nchan is not here")
    return found, missing


def _nchan(work: Path) -> Peer | None:
    nginx = shutil.which("nginx", path=f"/usr/sbin:{os.environ['PATH']}")
    if nginx is None or not _NCHAN.exists():
        return None
    port = free_port()
    text = (PEERS / "nchan.conf").read_text().replace("@RUN@", str(work)).replace("8101", str(port))
    (work / "nchan.conf").write_text(text)
    command = [nginx, "-p", str(work), "-c", str(work / "nchan.conf")]
    return _peer("nchan", command, port, has_channels=True)


@contextmanager
def our_hub(work: Path) -> Iterator[Peer]:
    """Ours, on a database with people in it."""
    with databases.cluster() as cluster_url:
        url = asyncio.run(databases.create(cluster_url))
        login = asyncio.run(databases.prepare(url))
        cookies = asyncio.run(dataset.create_dataset(url, login, work))
        port, door = free_port(), free_port()
        command = [sys.executable, "-m", "tests.benchmarks.hub_only", str(port), str(door), url]
        base = f"http://127.0.0.1:{port}/api/stream/conversations/{dataset.CONVERSATION_ID}"
        told = ["--url", base, "--pub-url", f"http://127.0.0.1:{door}/{dataset.CONVERSATION_ID}"]
        told += ["--cookie-file", str(cookies)]
        login_words = [login.user or "", login.password or ""]
        yield Peer("ours", [*command, *login_words], port, told, has_channels=True)


@contextmanager
def started(peer: Peer) -> Iterator[int]:
    """The peer's process id, while it runs."""
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(peer.command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        pin(process.pid, 0)
        _wait(process, peer)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(6)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", peer: Peer) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError(f"{peer.name} ended by itself")
        try:
            socket.create_connection(("127.0.0.1", peer.port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            time.sleep(0.4)
            return
    raise RuntimeError(f"{peer.name} does not listen")


def measure_peers(client: Path, work: Path, repetitions: int) -> str:
    """A table of all that can be started, and a line for each that cannot."""
    others, missing = find_peers(work)
    results: dict[tuple[Case, str], list[dict[str, Any]]] = {}
    with our_hub(work) as ours:
        for _ in range(repetitions):
            for case in _CASES:
                for peer in [peer for peer in [*others, ours] if peer.can(case)]:
                    with started(peer) as pid:
                        told = load(client, case, peer.arguments, pid)
                    results.setdefault((case, peer.name), []).append(told)
    ordered = sorted(results.items(), key=lambda item: _CASES.index(item[0][0]))
    rows = [[str(case), name, *cells(told, _SHOWN)] for (case, name), told in ordered]
    left_out = [f"left out: {words}" for words in missing]
    return "\n".join([table(("case", "server", *_SHOWN, "lost"), rows), *left_out])
