"""Create a cluster, start PostgreSQL on it, wait until it serves, stop it. All calls block."""

import os
import secrets
import shlex
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from rustygpt_server.db.embedded import logs, processes
from rustygpt_server.db.embedded.folders import socket_path
from rustygpt_server.db.embedded.owned_folder import EmbeddedError, OwnedFolder, Owner

SUPERUSER: Final = "rustygpt"
DATABASE: Final = "rustygpt"
_READY_SECONDS: Final = "60"
_TRIES: Final = 25
_CONTINUED: Final = "Future log output will appear in directory"
_STILL_IN_USE: Final = "still in use"
_STOP_SECONDS: Final = 10.0
_LOG_BYTES: Final = 1_048_576
_PID_FILE: Final = "postmaster.pid"


class Cluster(Struct, frozen=True):
    """A cluster's folders, its programs, and the user that they run as."""

    home: Path
    sockets: Path
    programs: Path
    owner: Owner

    @property
    def data(self) -> Path:
        """The folder of PostgreSQL's data files."""
        return self.home / "data"

    @property
    def files(self) -> OwnedFolder:
        """The files beside the data."""
        return OwnedFolder(self.home, self.owner)

    @property
    def password(self) -> str:
        """The superuser's password."""
        return self.files.read_text(self.password_file.name) or ""

    @property
    def password_file(self) -> Path:
        """The file with the superuser's password, mode 0600."""
        return self.home / "password"


def initialise(cluster: Cluster) -> None:
    """Create the cluster under another name and rename it when it is complete.

    A process that is killed in between leaves no half of a cluster.
    """
    partial = cluster.home / "data.partial"
    cluster.files.remove(partial.name)
    cluster.files.write_text(cluster.password_file.name, secrets.token_hex(24))
    _run(
        cluster,
        "initdb",
        *("--pgdata", str(partial), "--username", SUPERUSER, "--auth", "scram-sha-256"),
        *("--pwfile", str(cluster.password_file), "--encoding", "UTF8", "--no-instructions"),
        *_locale(cluster),
    )
    cluster.files.rename(partial.name, cluster.data.name)


def _locale(cluster: Cluster) -> tuple[str, ...]:
    """Return initdb's options for PostgreSQL's own C.UTF-8, which is the same on every machine."""
    if (cluster.programs / "pg_createsubscriber").exists():
        return ("--locale-provider", "builtin", "--locale", "C", "--builtin-locale", "C.UTF-8")
    return ("--locale", "C")


def serves(cluster: Cluster) -> bool:
    """Return whether PostgreSQL listens on the cluster's socket and is ready."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(socket_path(cluster.sockets)))
        except OSError:
            return False
    return _status(cluster) == "ready"


def start(cluster: Cluster) -> None:
    """Start PostgreSQL and wait until it serves; raise EmbeddedError with the end of its log.

    It listens on its socket only, and runs in a session of its own, so that Ctrl-C does not end it.
    """
    if _is_ready(cluster):
        return
    _remove_stale_pid_file(cluster)
    log = cluster.home / "log"
    if len(cluster.files.read_text(log.name) or "") > _LOG_BYTES:
        cluster.files.remove(log.name)
    logs.prune(cluster.home)
    options = _options(cluster)
    paths = ("--pgdata", str(cluster.data), "--log", str(log))
    for last_try in (False,) * _TRIES + (True,):
        try:
            _run(cluster, "pg_ctl", "start", "-t", _READY_SECONDS, *paths, "-o", options)
            return
        except EmbeddedError as error:
            reason = " | ".join(_last_lines(cluster, log) or [str(error)])
            if last_try or _STILL_IN_USE not in reason:
                raise EmbeddedError(
                    f"PostgreSQL did not start; its log {log} ends: {reason}"
                ) from error
        time.sleep(0.2)


def _options(cluster: Cluster) -> str:
    """Return the settings that differ from PostgreSQL's defaults, quoted for pg_ctl's shell."""
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(cluster.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        **logs.settings(cluster.home),
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    arguments = [part for item in options.items() for part in ("-c", shlex.quote("=".join(item)))]
    return " ".join(arguments)


def _last_lines(cluster: Cluster, log: Path) -> list[str]:
    """Return the end of what PostgreSQL wrote, which first goes to `log`, then to its log files."""
    first = (cluster.files.read_text(log.name) or "").splitlines()[-3:]
    if first and _CONTINUED in first[-1]:
        return logs.read_last_lines(cluster.home, 3) or first
    return first


def _is_ready(cluster: Cluster) -> bool:
    """Return whether PostgreSQL serves; wait while one that was left running starts or stops."""
    end = time.monotonic() + float(_READY_SECONDS)
    while (lines := _pid_file(cluster)) and _is_postgres(int(lines[0]), cluster):
        if serves(cluster):
            return True
        if time.monotonic() > end:
            raise EmbeddedError(f"PostgreSQL (process {lines[0]}) runs, but does not serve.")
        time.sleep(0.01)
    return False


def _remove_stale_pid_file(cluster: Cluster) -> None:
    """Remove the lock files of a PostgreSQL that has ended and whose pid another process has now.

    PostgreSQL only checks whether some process has that pid: after a power cut, or in a new
    container, that is often so. The caller holds our own lock, and no process listens.
    """
    lines = _pid_file(cluster)
    if lines and not _is_postgres(int(lines[0]), cluster):
        OwnedFolder(cluster.data, cluster.owner).remove(_PID_FILE)
        listening = socket_path(cluster.sockets)
        OwnedFolder(cluster.sockets, cluster.owner).remove(f"{listening.name}.lock")


def _is_postgres(pid: int, cluster: Cluster) -> bool:
    """Return whether a process is a running PostgreSQL on these data."""
    return str(cluster.data) in processes.command(pid)


def create_database(cluster: Cluster) -> None:
    """Create the database once; a file beside the data records that it exists."""
    if cluster.files.has("created"):
        return
    output = _run(
        cluster,
        "createdb",
        *("--host", str(cluster.sockets), "--username", SUPERUSER, DATABASE),
        password=cluster.password,
        allow="already exists",
    )
    cluster.files.write_text("created", output)


def stop(cluster: Cluster) -> None:
    """Stop PostgreSQL with a fast shutdown and wait for its end.

    Do nothing when it does not run.
    """
    lines = _pid_file(cluster)
    if not lines or not serves(cluster):
        return
    pid = int(lines[0])
    _run(cluster, "pg_ctl", "kill", "INT", str(pid))  # as its user, whatever process the file names
    end = time.monotonic() + _STOP_SECONDS
    while _pid_file(cluster) and _is_running(pid):
        if time.monotonic() > end:
            raise EmbeddedError(f"PostgreSQL (process {pid}) does not stop.")
        time.sleep(0.01)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _pid_file(cluster: Cluster) -> list[str]:
    """Return the lines of PostgreSQL's own file, the first of which is its pid; none without it."""
    if not cluster.files.has(cluster.data.name):
        return []
    lines = (OwnedFolder(cluster.data, cluster.owner).read_text(_PID_FILE) or "").splitlines()
    return lines if lines and lines[0].isascii() and lines[0].isdigit() else []


def _status(cluster: Cluster) -> str:
    lines = _pid_file(cluster)
    return lines[7].strip() if len(lines) > 7 else ""


def _run(
    cluster: Cluster, program: str, *arguments: str, password: str | None = None, allow: str = "\0"
) -> str:
    """Run a program of PostgreSQL's and return its output.

    Raises EmbeddedError when it fails, unless its error output contains `allow`.
    """
    process: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own program
        [str(cluster.programs / program), *arguments],
        cwd=cluster.home,
        env=_environment() | ({"PGPASSWORD": password} if password else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **_as(cluster.owner),
    )
    if process.returncode and allow not in process.stderr:
        last = " | ".join(process.stderr.strip().splitlines()[-3:])
        raise EmbeddedError(f"PostgreSQL's {program} failed: {last}")
    return process.stdout


def _environment() -> dict[str, str]:
    """Return an environment without the caller's PG… variables, which may name another server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _as(owner: Owner) -> dict[str, Any]:
    """Return the arguments that make a child process run as PostgreSQL's user."""
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.switch else {}
