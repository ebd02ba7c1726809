"""What the parent of several workers tells each of them, over a pipe: nobody else can read it."""

import msgspec
from msgspec import Struct

from rustygpt_shared.settings import Settings

Script = tuple[str, str, float]
"""A bootstrap script that was looked at: stage, status, seconds."""


class Orders(Struct, frozen=True):
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
    scripts: list[Script] = []
    """What this worker tells in its metrics of the bootstrap, which the parent did."""


class News(Struct, frozen=True, omit_defaults=True):
    """What a worker tells its parent."""

    ready: bool = False
    is_setup: bool = True
    failed: str | None = None


def encode(what: Orders | News) -> bytes:
    """One line."""
    return msgspec.json.encode(what) + b"\n"


def read_orders(line: bytes) -> Orders:
    """The orders of a line; raises msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=Orders)


def read_news(line: bytes) -> News:
    """The news of a line; raises msgspec.MsgspecError."""
    return msgspec.json.decode(line, type=News)
