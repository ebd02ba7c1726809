"""What the operating system knows of another process, from /proc or else from `ps`."""

import subprocess
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_GONE: Final = (FileNotFoundError, ProcessLookupError)


def start_time(pid: int) -> str:
    """Return when a process started, in the system's own form, or `-` for none."""
    if not _has_proc():
        return "_".join(_ps("lstart=", pid).split()) or "-"
    try:
        return _stat(pid)[19]
    except _GONE:
        return "-"


def command(pid: int) -> str:
    """Return the command line of a running process; empty when it has ended or is a zombie."""
    if not _has_proc():
        state, _, arguments = _ps("stat=,args=", pid).strip().partition(" ")
        return "" if state.startswith("Z") else arguments
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
    """Return the fields after the name in /proc/PID/stat: state first, start time the twentieth."""
    return (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()


def _ps(columns: str, pid: int) -> str:
    return subprocess.run(  # noqa: S603 - a fixed program with a number
        ["/bin/ps", "-ww", "-o", columns, "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
