"""What the parent of several workers tells each of them, over a pipe: nobody else can read it."""

import msgspec
from msgspec import Struct

from rustygpt_shared.settings import Settings

ScriptResult = tuple[str, str, float]
"""A bootstrap script that was looked at: stage, status, seconds."""


class WorkerConfig(Struct, frozen=True):
    """All that a worker has to know, and cannot find in its environment."""

    settings: Settings
    pool_url: str
    user: str | None
    password: str | None
    setup_token: str
    socket: int
    """The number of the listening socket, which the worker inherits."""
    metrics_folder: str
    """Where all workers keep their metrics."""
    scripts: list[ScriptResult] = []
    """What this worker tells in its metrics of the bootstrap, which the parent did."""


class WorkerStatus(Struct, frozen=True, omit_defaults=True):
    """What a worker tells its parent."""

    ready: bool = False
    is_setup: bool = True
    failed: str | None = None


def encode(message: WorkerConfig | WorkerStatus) -> bytes:
    """One line."""
    return msgspec.json.encode(message) + b"\n"


def decode_config(line: bytes) -> WorkerConfig:
    """The orders of a line; raises msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=WorkerConfig)


def decode_status(line: bytes) -> WorkerStatus:
    """The news of a line; raises msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=WorkerStatus)
