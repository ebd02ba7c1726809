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

    def __str__(self) -> str:
        if self.rate:
            return f"{self.rate:g} posts/s to {self.streams:,} streams"
        if self.callers:
            return f"{self.callers} at once to {self.streams:,} streams"
        return f"{self.streams:,} streams, silent"

    def arguments(self) -> list[str]:
        """What the load client is told of it."""
        words = ["--subs", str(self.streams), "--seconds", str(self.seconds)]
        if self.rate:
            return [*words, "--rate", str(self.rate), "--pub-conns", "16"]
        if self.callers:
            return [*words, "--window", str(self.callers), "--pub-conns", str(self.callers)]
        return ["--subs", str(self.streams), "--seconds", "0", "--hold", "1"]


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


def load(client: Path, case: Case, arguments: Sequence[str], pid: int) -> dict[str, Any]:
    """What the load client measured; `{"error": …}` when it could not."""
    command = [str(client), *case.arguments(), *arguments, "--pid", str(pid), "--block"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    pin(process.pid, 1)
    try:
        out, err = process.communicate(timeout=case.seconds + 120)
    finally:
        process.kill()
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        return {"error": (out + err).decode()[-200:]}
    return told


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
