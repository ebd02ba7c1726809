"""What errors of the driver stand for."""

from typing import Any

import asyncpg
import pytest

from rustygpt_server.db import errors
from rustygpt_server.db.database import Database
from rustygpt_server.db.errors import from_driver_error, is_broken
from rustygpt_server.errors import Unavailable


@pytest.mark.parametrize("state", sorted(errors.BY_SQLSTATE))
async def test_each_state_is_its_exception(database: Database, superuser: Any, state: str) -> None:
    """A refusal in SQL is the exception of its SQLSTATE, with the sentence for the person."""
    assert database is not None
    with pytest.raises(asyncpg.PostgresError) as raised:
        await superuser.execute("SELECT rustygpt.raise_error($1, 'Because.')", state)
    told = from_driver_error(raised.value)
    assert type(told) is errors.BY_SQLSTATE[state]
    assert str(told) == "Because."


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
        asyncpg.DiskFullError("full"),
        asyncpg.ReadOnlySQLTransactionError("a standby"),
        asyncpg.DeadlockDetectedError("deadlock"),
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.InterfaceError("connection is closed"),
    ],
)
def test_what_passes_by_itself_is_unavailable(error: Exception) -> None:
    """Whatever may work later is told as being unavailable, without the driver's words."""
    told = from_driver_error(error)
    assert isinstance(told, Unavailable)
    assert str(error) not in str(told) or not str(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("key"),
        asyncpg.UndefinedFunctionError("no such function"),
        asyncpg.DataError("bad value"),
        KeyError("x"),
    ],
)
def test_faults_of_ours_stay_what_they_are(error: Exception) -> None:
    """A fault of the program is no refusal."""
    assert from_driver_error(error) is None


@pytest.mark.parametrize(
    ("error", "broken"),
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
def test_a_broken_connection_is_not_used_again(error: Exception, broken: bool) -> None:
    """All of these are Unavailable; only some of them cost the connection."""
    assert isinstance(from_driver_error(error), Unavailable)
    assert is_broken(error) is broken
