"""The same load on other servers of streams: they only hand on, and store nothing."""

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
from typing import NamedTuple

from tests.benchmarks.tools import PEERS, Case, compile_c, load, median, pin, table
from tests.support.server import free_port

_CASES = [Case(1_000, rate=50, seconds=3), Case(1_000, callers=4, seconds=3), Case(1_000)]
_NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


class Peer(NamedTuple):
    """Another server, and how it is started on a port."""

    name: str
    command: list[str]
    port: int


def find_peers(work: Path) -> tuple[list[Peer], list[str]]:
    """Those that can be started here, and why the others cannot."""
    found, missing = [], []
    epoll = compile_c(PEERS / "c_epoll.c", work)
    if epoll:
        port = free_port()
        found.append(Peer("C epoll loop", [str(epoll), str(port)], port))
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
        found.append(Peer(name, command, port))
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
    return Peer("nchan", [nginx, "-p", str(work), "-c", str(work / "nchan.conf")], port)


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
            return
    raise RuntimeError(f"{peer.name} does not listen")


def measure_peers(client: Path, work: Path, repetitions: int) -> str:
    """A table of all that can be started, and a line for each that cannot."""
    peers, missing = find_peers(work)
    rows = [_row(client, peer, case, repetitions) for case in _CASES for peer in peers]
    head = ("peer", "case", "p50 ms", "p99 ms", "deliveries/s", "CPU µs each", "KB/stream", "lost")
    return "\n".join([table(head, rows), *(f"left out: {words}" for words in missing)])


def _row(client: Path, peer: Peer, case: Case, repetitions: int) -> tuple[str, ...]:
    results = []
    for _ in range(repetitions):
        base = f"http://127.0.0.1:{peer.port}"
        arguments = ["--url", f"{base}/events?room=0", "--pub-url", f"{base}/pub?room=0"]
        with started(peer) as pid:
            results.append(load(client, case, arguments, pid))
    good = [result for result in results if "error" not in result]
    if not good:
        return (peer.name, str(case), results[0]["error"][:60], *[""] * 5)
    posts = case.rate or case.callers
    shown = {
        "lat_p50_ms": "{:.1f}",
        "lat_p99_ms": "{:.1f}",
        "deliv_per_s": "{:,.0f}",
        "cpu_s_per_M": "{:.1f}",
    }
    told = [form.format(median(good, key)) if posts else "" for key, form in shown.items()]
    idle = "" if posts else f"{median(good, 'kb_per_conn'):.1f}"
    lost = sum(result[key] for result in good for key in ("missing", "dups", "sub_closed"))
    return (peer.name, str(case), *told, idle, str(lost))
