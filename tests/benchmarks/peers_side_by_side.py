"""Our hub and other stream servers under the same load, in turns.

The others only forward events: they authenticate no client and store nothing. Ours opens streams as
usual, by session and membership; ready events go directly into its hub.
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
from tests.benchmarks.harness import PEERS, Case, cells, compile_c, load, pin, progress, table
from tests.support.database import databases
from tests.support.servers.server_process import free_port

_CASES = [
    Case(1_000, callers=4, seconds=3),
    Case(1_000, callers=32, seconds=3),
    Case(1_000, rate=50, seconds=3),
    Case(1_000, rate=1_000, conversations=dataset.CONVERSATIONS, seconds=3),
    Case(5_000),
]
_COLUMNS = ("deliveries/s", "CPU µs each", "p50 ms", "p99 ms", "all open s", "KB/stream")
_NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Peer(NamedTuple):
    """A server, the command that starts it on a port, and the load client's arguments for it."""

    name: str
    command: list[str]
    port: int
    arguments: list[str]
    has_channels: bool = False
    """True when it has more than one channel."""

    def can(self, case: Case) -> bool:
        """Return whether it can run a case."""
        return self.has_channels or case.conversations == 1


def _peer(name: str, command: list[str], port: int, *, has_channels: bool = False) -> Peer:
    base = f"http://127.0.0.1:{port}"
    urls = ["--url", f"{base}/events?room={{room}}", "--pub-url", f"{base}/pub?room={{room}}"]
    return Peer(name, command, port, urls, has_channels)


def find_peers(work: Path) -> tuple[list[Peer], list[str]]:
    """Return the servers that can be started here, and why the others cannot."""
    peers: list[Peer] = []
    missing: list[str] = []
    epoll = compile_c(PEERS / "c_epoll.c", work)
    if epoll:
        port = free_port()
        peers.append(_peer("C epoll loop", [str(epoll), str(port)], port))
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
        peers.append(_peer(name, command, port, has_channels=file == "uvloop_raw.py"))
    nchan = _nchan(work)
    if nchan:
        peers.append(nchan)
    else:
        missing.append("nchan: nginx with libnginx-mod-nchan is not installed")
    return peers, missing


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
    """Yield our server on a database with users."""
    with databases.cluster() as cluster_url:
        url = asyncio.run(databases.create(cluster_url))
        login = asyncio.run(databases.prepare(url))
        cookies = asyncio.run(dataset.create_dataset(url, login, work))
        port = free_port()
        publish_port = free_port()
        program = [sys.executable, "-m", "tests.benchmarks.hub_only"]
        command = [*program, str(port), str(publish_port), url]
        base = f"http://127.0.0.1:{port}/api/stream/conversations/{dataset.CONVERSATION_ID}"
        publish_url = f"http://127.0.0.1:{publish_port}/{dataset.CONVERSATION_ID}"
        arguments = ["--url", base, "--pub-url", publish_url, "--cookie-file", str(cookies)]
        command += [login.user or "", login.password or ""]
        yield Peer("ours", command, port, arguments, has_channels=True)


@contextmanager
def started(peer: Peer) -> Iterator[int]:
    """Yield the process id of a peer while it runs."""
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
            raise RuntimeError(f"{peer.name} ended unexpectedly")
        try:
            socket.create_connection(("127.0.0.1", peer.port), 0.2).close()
        except OSError:
            time.sleep(0.05)
        else:
            time.sleep(0.4)
            return
    raise RuntimeError(f"{peer.name} does not listen")


def measure_peers(client: Path, work: Path, repetitions: int) -> str:
    """Return a table of all servers that can be started, and a line for each that cannot."""
    others, missing = find_peers(work)
    results: dict[tuple[Case, str], list[dict[str, Any]]] = {}
    with our_hub(work) as ours:
        for _ in range(repetitions):
            for case in _CASES:
                for peer in [peer for peer in [*others, ours] if peer.can(case)]:
                    with started(peer) as pid:
                        progress(peer.name)
                        result = load(client, case, peer.arguments, pid)
                    results.setdefault((case, peer.name), []).append(result)
    ordered = sorted(results.items(), key=lambda item: _CASES.index(item[0][0]))
    rows = [[str(case), name, *cells(runs, _COLUMNS)] for (case, name), runs in ordered]
    skipped = [f"skipped: {reason}" for reason in missing]
    return "\n".join([table(("case", "server", *_COLUMNS, "lost"), rows), *skipped])
