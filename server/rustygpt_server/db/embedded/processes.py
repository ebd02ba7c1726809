"""What the system tells of another process: from /proc where there is one, else from `ps`."""

import subprocess
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GONE: Final = (FileNotFoundError, ProcessLookupError)


def start_time(pid: int) -> str:
    """When a process started, in whatever form the system has it; `-` when there is none."""
    if not _has_proc():
        return "_".join(_ps("lstart=", pid).split()) or "-"
    try:
        return _stat(pid)[19]
    except _GONE:
        return "-"


def command(pid: int) -> str:
    """The command line of a living process; empty when there is none, or only its remains."""
    if not _has_proc():
        state, _, words = _ps("stat=,args=", pid).strip().partition(" ")
        return "" if state.startswith("Z") else words
    try:
        if _stat(pid)[0] == "Z":
            return ""
        return (
            (_PROC / str(pid) / "cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode("utf-8", "replace")
        )
    except _GONE:
        return ""


def _has_proc() -> bool:
    return (_PROC / "self" / "stat").exists()


def _stat(pid: int) -> list[str]:
    """The fields behind the name: state first, start time the twentieth."""
    return (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()


def _ps(columns: str, pid: int) -> str:
    return subprocess.run(  # noqa: S603 - a fixed program with a number
        ["/bin/ps", "-ww", "-o", columns, "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
