"""Turn SQLSTATEs and errors of the driver into the exceptions of `rustygpt_server.errors`.

This is the only place that knows both. Whatever PostgreSQL reports beyond these is a defect of the
program and stays the exception that asyncpg raised.
"""

from collections.abc import Callable
from typing import Final

import asyncpg

from rustygpt_server.errors import (
    Conflict,
    DiskFull,
    Forbidden,
    Gone,
    LoginRefused,
    NotFound,
    PasswordChanged,
    RequestError,
    Unavailable,
    ValidationFailed,
)

BY_SQLSTATE: Final[dict[str, Callable[[str], RequestError]]] = {
    "RG401": PasswordChanged,
    "RG403": Forbidden,
    "RG404": NotFound,
    "RG409": Conflict,
    "RG410": Gone,
    "RG422": ValidationFailed,
}

_UNAVAILABLE_CLASSES: Final = ("08", "53", "57", "58")
_DISK_FULL: Final = "53100"
_REFUSED_LOGIN: Final = "28"
_BROKEN: Final = ("08", "57P")
_UNAVAILABLE_STATES: Final = frozenset({"25006", "40001", "40P01", "55P03"})

DRIVER_ERRORS: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
"""What asyncpg raises. A connection that ends just when it is used is an "internal" error to it."""


def from_driver_error(error: BaseException) -> RequestError | None:
    """Return the exception for an error of the driver; None when it is a defect of the program."""
    if isinstance(error, asyncpg.PostgresError):
        return _from_state(error.sqlstate or "", str(error))
    if _is_lost(error):
        return Unavailable("The database connection was lost; try again in a moment.")
    if isinstance(error, OSError | TimeoutError):
        return Unavailable("The database does not answer; try again in a moment.")
    return None


def from_sqlstate(state: str, message: str) -> Exception:
    """Return the exception for an SQLSTATE that a procedure caught for one of several items.

    An unknown SQLSTATE is a defect of the program and gives a RuntimeError.
    """
    return _from_state(state, message) or RuntimeError(f"{state}: {message}")


def is_broken(error: BaseException | None) -> bool:
    """Return whether the connection that raised this must be closed."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_BROKEN)
    return error is not None


def _is_lost(error: BaseException) -> bool:
    if isinstance(error, asyncpg.InternalClientError):
        return True  # the backend went away and asyncpg has not noticed yet
    return isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)


def _from_state(state: str, message: str) -> RequestError | None:
    if state in BY_SQLSTATE:
        if state == "RG422":
            return ValidationFailed.of_text(message)
        return BY_SQLSTATE[state](message)
    if state == _DISK_FULL:
        return DiskFull(
            "The disk of the database is full, and nothing was stored; free space there, "
            "then try again."
        )
    if state.startswith(_REFUSED_LOGIN):
        return LoginRefused(
            "The database refuses the server's login; its operator has to restart the server, "
            "which sets the password again, or to correct db.url."
        )
    if state in _UNAVAILABLE_STATES or state.startswith(_UNAVAILABLE_CLASSES):
        return Unavailable("The database is busy or restarting; try again in a moment.")
    return None
