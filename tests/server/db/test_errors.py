"""The exceptions that errors of the database driver become."""

from typing import Any

import asyncpg
import pytest

from rustygpt_server.db import errors
from rustygpt_server.db.database import Database
from rustygpt_server.db.errors import from_driver_error, from_sqlstate, is_broken
from rustygpt_server.errors import DiskFull, Unavailable


@pytest.mark.parametrize("state", sorted(errors.BY_SQLSTATE))
async def test_each_sqlstate_becomes_its_exception(
    database: Database, superuser: Any, state: str
) -> None:
    """The exception has the sentence that the procedure raised."""
    assert database is not None
    with pytest.raises(asyncpg.PostgresError) as raised:
        await superuser.execute("SELECT rustygpt.raise_error($1, 'Because.')", state)
    error = from_driver_error(raised.value)
    assert type(error) is errors.BY_SQLSTATE[state]
    assert str(error) == "Because."


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        FileNotFoundError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.AdminShutdownError("bye"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.LockNotAvailableError("lock timeout"),
        asyncpg.TooManyConnectionsError("full"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
def test_temporary_errors_become_unavailable(error: Exception) -> None:
    """The text of the driver is not shown."""
    translated = from_driver_error(error)
    assert isinstance(translated, Unavailable)
    assert str(error) not in str(translated) or not str(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("key"),
        asyncpg.UndefinedFunctionError("no such function"),
        asyncpg.DataError("bad value"),
        KeyError("x"),
    ],
)
def test_programming_errors_are_not_translated(error: Exception) -> None:
    """They are not caused by the request."""
    assert from_driver_error(error) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.AdminShutdownError("x"), True),
        (asyncpg.ConnectionDoesNotExistError("x"), True),
        (asyncpg.InternalClientError("another operation is in progress"), True),
        (asyncpg.InterfaceError("connection is closed"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (asyncpg.LockNotAvailableError("x"), False),
        (asyncpg.QueryCanceledError("x"), False),
    ],
)
def test_only_some_unavailable_errors_break_the_connection(
    error: Exception, expected: bool
) -> None:
    """A connection stays in the pool after a lock or statement timeout."""
    assert isinstance(from_driver_error(error), Unavailable)
    assert is_broken(error) is expected


def test_a_full_disk_has_its_own_exception() -> None:
    """It is no reason to try again in a moment: the sentence says what to do."""
    for error in (
        from_driver_error(asyncpg.DiskFullError("could not extend file")),
        from_sqlstate("53100", "could not extend file"),
    ):
        assert isinstance(error, DiskFull)
        assert "disk of the database is full" in error.detail
