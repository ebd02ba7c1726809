"""Make a cluster, start PostgreSQL on it, wait until it serves, stop it. Blocking calls."""

import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from rustygpt_server.db.embedded import processes
from rustygpt_server.db.embedded.folders import EmbeddedError, Owner, chown, socket_path

SUPERUSER: Final = "rustygpt"
DATABASE: Final = "rustygpt"
_READY_SECONDS: Final = "60"
_TRIES: Final = 25
_STILL_THERE: Final = "still in use"
_STOP_SECONDS: Final = 10.0
_LOG_BYTES: Final = 1_048_576


class Cluster(Struct, frozen=True):
    """A cluster's folders, its programs, and whom they run as."""

    home: Path
    sockets: Path
    programs: Path
    owner: Owner

    @property
    def data(self) -> Path:
        """Where PostgreSQL keeps its files."""
        return self.home / "data"

    @property
    def password_file(self) -> Path:
        """The superuser's password, mode 0600."""
        return self.home / "password"


def initialise(cluster: Cluster) -> None:
    """Make the cluster beside its place and move it there when whole, so that a kill harms not."""
    partial = cluster.home / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    cluster.password_file.unlink(missing_ok=True)
    handle = os.open(cluster.password_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(24))
    chown(cluster.password_file, cluster.owner)
    _run(
        cluster,
        "initdb",
        *("--pgdata", str(partial), "--username", SUPERUSER, "--auth", "scram-sha-256"),
        *("--pwfile", str(cluster.password_file), "--encoding", "UTF8", "--no-instructions"),
        *_locale(cluster),
    )
    partial.rename(cluster.data)


def _locale(cluster: Cluster) -> tuple[str, ...]:
    """PostgreSQL's own C.UTF-8 is the same on every machine, and knows letters beyond ASCII."""
    if (cluster.programs / "pg_createsubscriber").exists():
        return ("--locale-provider", "builtin", "--locale", "C", "--builtin-locale", "C.UTF-8")
    return ("--locale", "C")


def serves(cluster: Cluster) -> bool:
    """Whether PostgreSQL listens on the cluster's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(2)
        try:
            probe.connect(str(socket_path(cluster.sockets)))
        except OSError:
            return False
    return _status(cluster) == "ready"


def start(cluster: Cluster) -> None:
    """Start PostgreSQL and wait until it serves; EmbeddedError with its last words when it fails.

    It listens on its socket only, and runs in a session of its own, so that Ctrl-C spares it.
    """
    if _is_ready(cluster):
        return
    _remove_stale_pid_file(cluster)
    log = cluster.home / "log"
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.unlink()
    words = _options(cluster)
    place = ("--pgdata", str(cluster.data), "--log", str(log))
    for last_try in (False,) * _TRIES + (True,):
        try:
            _run(cluster, "pg_ctl", "start", "-t", _READY_SECONDS, *place, "-o", words)
            return
        except EmbeddedError as error:
            said = " | ".join(_last_lines(log) or [str(error)])
            if last_try or _STILL_THERE not in said:
                raise EmbeddedError(
                    f"PostgreSQL did not start; its log {log} ends: {said}"
                ) from error
        time.sleep(0.2)


def _options(cluster: Cluster) -> str:
    """What differs from PostgreSQL's defaults, as pg_ctl wants it: words for a shell."""
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(cluster.sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "logging_collector": "off",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }
    words = [word for item in options.items() for word in ("-c", shlex.quote("=".join(item)))]
    return " ".join(words)


def _last_lines(log: Path) -> list[str]:
    return log.read_text("utf-8", "replace").splitlines()[-3:] if log.exists() else []


def _is_ready(cluster: Cluster) -> bool:
    """Wait while a PostgreSQL that somebody left runs and is starting or stopping."""
    end = time.monotonic() + float(_READY_SECONDS)
    while (lines := _pid_file(cluster)) and _is_postgres(int(lines[0]), cluster):
        if serves(cluster):
            return True
        if time.monotonic() > end:
            raise EmbeddedError(f"PostgreSQL (process {lines[0]}) runs, but does not serve.")
        time.sleep(0.01)
    return False


def _remove_stale_pid_file(cluster: Cluster) -> None:
    """Take away the lock files of a PostgreSQL that is gone, when its pid is another's by now.

    PostgreSQL itself only looks whether some process has that pid: after a power cut or in a new
    container that is often so. The caller holds our own lock, and nobody listens.
    """
    lines = _pid_file(cluster)
    if lines and not _is_postgres(int(lines[0]), cluster):
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)
        listening = socket_path(cluster.sockets)
        listening.with_name(f"{listening.name}.lock").unlink(missing_ok=True)


def _is_postgres(pid: int, cluster: Cluster) -> bool:
    """Whether a process is a living PostgreSQL on these data."""
    return str(cluster.data) in processes.command(pid)


def create_database(cluster: Cluster) -> None:
    """Make the database once; a note beside the data tells that it is there."""
    note = cluster.home / "created"
    if note.exists():
        return
    told = _run(
        cluster,
        "createdb",
        *("--host", str(cluster.sockets), "--username", SUPERUSER, DATABASE),
        password=cluster.password_file.read_text("ascii"),
        allow="already exists",
    )
    note.write_text(told, "utf-8")


def stop(cluster: Cluster) -> None:
    """Stop PostgreSQL in an orderly way and wait for it; nothing happens when it does not run."""
    lines = _pid_file(cluster)
    if not lines or not serves(cluster):
        return
    pid = int(lines[0])
    os.kill(pid, signal.SIGINT)
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
    try:
        return (cluster.data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []


def _status(cluster: Cluster) -> str:
    lines = _pid_file(cluster)
    return lines[7].strip() if len(lines) > 7 else ""


def _run(
    cluster: Cluster, program: str, *words: str, password: str | None = None, allow: str = "\0"
) -> str:
    told: subprocess.CompletedProcess[str] = subprocess.run(  # noqa: S603 - our own program
        [str(cluster.programs / program), *words],
        cwd=cluster.home,
        env=_environment() | ({"PGPASSWORD": password} if password else {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        **_as(cluster.owner),
    )
    if told.returncode and allow not in told.stderr:
        last = " | ".join(told.stderr.strip().splitlines()[-3:])
        raise EmbeddedError(f"PostgreSQL's {program} failed: {last}")
    return told.stdout


def _environment() -> dict[str, str]:
    """No PG… variable of the caller may lead PostgreSQL elsewhere."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _as(owner: Owner) -> dict[str, Any]:
    """What makes a child PostgreSQL's user."""
    return {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.switch else {}
