"""What the database refuses, as exceptions.

    DatabaseError
    ├── Refused            a rule said no; `str()` is a sentence for a person
    │   ├── Forbidden      RG403
    │   ├── NotFound       RG404, also for what the caller may not know to exist
    │   ├── Conflict       RG409
    │   ├── Gone           RG410
    │   └── Invalid        RG422
    └── Unavailable        no connection, a timeout, a lock not had in time, or out of resources

Whatever else PostgreSQL says is a fault of ours and stays what asyncpg made of it.
"""

from typing import Final

import asyncpg


class DatabaseError(Exception):
    """Base of all that this package raises on purpose."""


class RuleViolation(DatabaseError):
    """A rule of the database said no."""


class Forbidden(RuleViolation):
    """The caller may see it, but not do this."""


class NotFound(RuleViolation):
    """There is no such thing, as far as the caller may know."""


class Conflict(RuleViolation):
    """It does not go with what is there already."""


class Gone(RuleViolation):
    """It was there, and is used up."""


class Invalid(RuleViolation):
    """A value breaks a rule."""


class Unavailable(DatabaseError):
    """The database cannot be asked just now; trying again later may help."""


BY_SQLSTATE: Final[dict[str, type[RuleViolation]]] = {
    "RG403": Forbidden,
    "RG404": NotFound,
    "RG409": Conflict,
    "RG410": Gone,
    "RG422": Invalid,
}

_UNAVAILABLE_CLASSES: Final = ("08", "53", "57", "58")
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


def from_driver_error(error: BaseException) -> DatabaseError | None:
    """What an error of the driver stands for, or None when it is a fault of ours."""
    if isinstance(error, asyncpg.PostgresError):
        return _from_state(error.sqlstate or "", str(error))
    if _is_lost(error):
        return Unavailable("The database connection was lost; try again in a moment.")
    if isinstance(error, OSError | TimeoutError):
        return Unavailable("The database does not answer; try again in a moment.")
    return None


def from_sqlstate(state: str, message: str) -> Exception:
    """What stands for an error that a procedure caught for one of many; see `refusal`."""
    return _from_state(state, message) or RuntimeError(f"{state}: {message}")


def is_broken(error: BaseException | None) -> bool:
    """Whether the connection that raised this must not be used again."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_BROKEN)
    return error is not None


def _is_lost(error: BaseException) -> bool:
    if isinstance(error, asyncpg.InternalClientError):
        return True  # the backend went away and asyncpg has not noticed yet
    return isinstance(error, asyncpg.InterfaceError) and not isinstance(error, ValueError)


def _from_state(state: str, message: str) -> DatabaseError | None:
    if state in BY_SQLSTATE:
        return BY_SQLSTATE[state](message)
    if state in _UNAVAILABLE_STATES or state.startswith(_UNAVAILABLE_CLASSES):
        return Unavailable("The database is busy or restarting; try again in a moment.")
    return None
