"""What benchmarks share: the load client, processors, tables."""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"


class Case(NamedTuple):
    """What is measured: so many streams, and posts at a rate or with so many callers."""

    streams: int
    rate: float = 0
    callers: int = 0
    seconds: float = 5
    conversations: int = 1
    stalled: int = 0
    """So many more streams whose readers never read."""

    def __str__(self) -> str:
        rooms = f" in {self.conversations} rooms" if self.conversations > 1 else ""
        slow = f", {self.stalled} more never read" if self.stalled else ""
        if self.rate:
            return f"{self.rate:g} events/s to {self.streams:,}{rooms}{slow}"
        if self.callers:
            return f"{self.callers} in flight to {self.streams:,}{rooms}{slow}"
        return f"{self.streams:,} streams open at once, then silent"

    def arguments(self) -> list[str]:
        """What the load client is told of it."""
        words = ["--subs", str(self.streams), "--rooms", str(self.conversations)]
        if self.stalled:
            # With a small buffer of their own, so that what is measured is the server's side.
            words += ["--slow", str(self.stalled), "--slow-rcvbuf", "4096"]
        if self.rate:
            return [*words, *self._time(), "--rate", str(self.rate), "--pub-conns", "16"]
        if self.callers:
            many = str(self.callers)
            return [*words, *self._time(), "--window", many, "--pub-conns", many]
        at_once = ("--conn-inflight", str(self.streams))
        return [*words, *at_once, "--seconds", "0", "--hold", "1"]

    def _time(self) -> tuple[str, str]:
        return "--seconds", str(self.seconds)


def machine() -> str:
    """Where this was measured."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    cores = os.cpu_count()
    return f"{cores} × {model}, Python {platform.python_version()}, load before: {load:.1f}"


def compile_c(source: Path, folder: Path) -> Path | None:
    """The program made from a source, or None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    program = folder / source.stem
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program


def pin(pid: int, core: int) -> None:
    """Keep a process on a core of its own, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


def raise_limits() -> None:
    """As many open files as this user may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def load(client: Path, case: Case, arguments: Sequence[str], *pids: int) -> dict[str, Any]:
    """What the load client measured; `{"error": …}` when it could not."""
    told = ",".join(map(str, pids))
    command = [str(client), *case.arguments(), *arguments, "--pid", told, "--block"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pin(process.pid, 1)
    try:
        out, err = process.communicate(timeout=case.seconds + 120)
    finally:
        process.kill()
    try:
        measured: dict[str, Any] = json.loads(out)
    except ValueError:
        return {"error": (out + err).decode()[-200:]}
    return measured


COLUMNS = {
    "deliveries/s": ("deliv_per_s", "{:,.0f}"),
    "CPU µs each": ("cpu_s_per_M", "{:.2f}"),
    "p50 ms": ("lat_p50_ms", "{:.1f}"),
    "p99 ms": ("lat_p99_ms", "{:.1f}"),
    "all open s": ("connect_s", "{:.2f}"),
    "KB/stream": ("kb_per_conn", "{:.1f}"),
}


def cells(results: Sequence[dict[str, Any]], columns: Iterable[str]) -> list[str]:
    """Medians under some of COLUMNS, and last what was lost, sent twice or closed in all runs."""
    columns = list(columns)
    good = [result for result in results if "error" not in result]
    if not good:
        return [results[0]["error"][:60], *[""] * len(columns)]
    lost = sum(result[key] for result in good for key in ("missing", "dups", "sub_closed"))
    shown = [COLUMNS[name][1].format(median(good, COLUMNS[name][0])) for name in columns]
    return [*shown, str(lost)]


def median(results: Iterable[dict[str, Any]], key: str) -> float:
    """The middle of several measurements."""
    return float(statistics.median(result.get(key, 0) for result in results))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under each other; all but the first column to the right."""
    lines = [head, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def memory(pid: int) -> float:
    """What a process holds, in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_024
    raise ProcessLookupError(pid)


def kernel_memory() -> float:
    """What the kernel holds for all TCP connections of this machine, in KB."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * resource.getpagesize() / 1_024
    return 0.0
