"""What benchmarks share: the load client, CPU affinity, progress, tables."""

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
PEERS = HERE / "peers"


class Case(NamedTuple):
    """What is measured: a number of streams, and posts at a rate or from a number of callers."""

    streams: int
    rate: float = 0
    callers: int = 0
    seconds: float = 5
    conversations: int = 1
    stalled: int = 0
    """Additional streams whose clients never read."""

    def __str__(self) -> str:
        places = f" in {self.conversations} conversations" if self.conversations > 1 else ""
        slow = f", {self.stalled} more never read" if self.stalled else ""
        if self.rate:
            return f"{self.rate:g} events/s to {self.streams:,}{places}{slow}"
        if self.callers:
            return f"{self.callers} in flight to {self.streams:,}{places}{slow}"
        return f"{self.streams:,} streams open at once, then silent"

    def arguments(self) -> list[str]:
        """Return the arguments of the load client."""
        arguments = ["--subs", str(self.streams), "--rooms", str(self.conversations)]
        if self.stalled:
            # Their own receive buffers are small, so that the server's side is measured.
            arguments += ["--slow", str(self.stalled), "--slow-rcvbuf", "4096"]
        if self.rate:
            return [*arguments, *self._time(), "--rate", str(self.rate), "--pub-conns", "16"]
        if self.callers:
            callers = str(self.callers)
            return [*arguments, *self._time(), "--window", callers, "--pub-conns", callers]
        at_once = ("--conn-inflight", str(self.streams))
        return [*arguments, *at_once, "--seconds", "0", "--hold", "1"]

    def _time(self) -> tuple[str, str]:
        return "--seconds", str(self.seconds)


def machine() -> str:
    """Return a description of the machine."""
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
    """Compile a C program; return None without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    program = folder / source.stem
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return program


def pin(pid: int, core: int) -> None:
    """Pin a process to one core, where there are two or more."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


def progress(text: str) -> None:
    """Print what is being measured now, on standard error."""
    print(f"  … {text}", file=sys.stderr, flush=True)


def raise_limits() -> None:
    """Raise the limit of open files to the maximum of this user."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def load(client: Path, case: Case, arguments: Sequence[str], *pids: int) -> dict[str, Any]:
    """Run the load client and return its measurements; `{"error": …}` when it failed."""
    progress(str(case))
    pid_list = ",".join(map(str, pids))
    command = [str(client), *case.arguments(), *arguments, "--pid", pid_list, "--block"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pin(process.pid, 1)
    try:
        out, err = process.communicate(timeout=case.seconds + 120)
    finally:
        process.kill()
    try:
        measurements: dict[str, Any] = json.loads(out)
    except ValueError:
        return {"error": (out + err).decode()[-200:]}
    return measurements


COLUMNS = {
    "deliveries/s": ("deliv_per_s", "{:,.0f}"),
    "CPU µs each": ("cpu_s_per_M", "{:.2f}"),
    "p50 ms": ("lat_p50_ms", "{:.1f}"),
    "p99 ms": ("lat_p99_ms", "{:.1f}"),
    "all open s": ("connect_s", "{:.2f}"),
    "KB/stream": ("kb_per_conn", "{:.1f}"),
}


def cells(results: Sequence[dict[str, Any]], columns: Iterable[str]) -> list[str]:
    """Return medians of some of COLUMNS, then the events lost, repeated or cut off in all runs."""
    columns = list(columns)
    good = [result for result in results if "error" not in result]
    if not good:
        return [results[0]["error"][:60], *[""] * len(columns)]
    lost = sum(result[key] for result in good for key in ("missing", "dups", "sub_closed"))
    medians = [COLUMNS[name][1].format(median(good, COLUMNS[name][0])) for name in columns]
    return [*medians, str(lost)]


def median(results: Iterable[dict[str, Any]], key: str) -> float:
    """Return the median of a key over several results."""
    return float(statistics.median(result.get(key, 0) for result in results))


def percentile(values: list[float], share: float) -> float:
    """Return the value that a share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return rows as a text table; all columns but the first are right-aligned."""
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
    """Return a process's resident memory in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1_024
    raise ProcessLookupError(pid)


def kernel_memory() -> float:
    """Return the kernel's memory for all TCP connections of this machine in KB."""
    for line in Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            return int(line.split()[-1]) * resource.getpagesize() / 1_024
    return 0.0
