"""Messages between the parent and its worker processes, one JSON line each, over a pipe."""

import msgspec
from msgspec import Struct

from rustygpt_shared.settings import Settings

ScriptResult = tuple[str, str, float]
"""A bootstrap script's stage, status and duration in seconds."""


class WorkerConfig(Struct, frozen=True):
    """What a worker needs and does not find in its environment."""

    settings: Settings
    pool_url: str
    user: str | None
    password: str | None
    setup_token: str
    socket: int
    """The descriptor of the listening socket, which the worker inherits."""
    metrics_folder: str
    """The folder in which all workers keep their metrics."""
    scripts: list[ScriptResult] = []
    """The results of the parent's bootstrap, which one worker reports in its metrics."""


class WorkerStatus(Struct, frozen=True, omit_defaults=True):
    """What a worker reports to its parent, once: that it is ready, or why it failed."""

    ready: bool = False
    is_setup: bool = True
    failed: str | None = None


def encode(message: WorkerConfig | WorkerStatus) -> bytes:
    """Return a message as one line."""
    return msgspec.json.encode(message) + b"\n"


def decode_config(line: bytes) -> WorkerConfig:
    """Return the configuration in a line; raise msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=WorkerConfig)


def decode_status(line: bytes) -> WorkerStatus:
    """Return the status in a line; raise msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=WorkerStatus)
