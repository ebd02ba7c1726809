"""The transport over NOTIFY survives lost connections and ignores invalid packets."""

from typing import Any
from uuid import UUID, uuid4

from tests.support.components.backplanes import (
    CHANNEL,
    RecordingListener,
    all_connected,
    postgres_backplane,
)
from tests.support.database.databases import connected
from tests.support.wait import until

from rustygpt_server.clock import TimeLimits
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.realtime.backplane_messages import CancelAnswer

_TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1
"""


async def test_a_lost_listening_connection_is_opened_again(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """The listener is notified of each connection, because it may have missed messages."""
    async with (
        postgres_backplane(database_url, pool_login, "a") as first,
        postgres_backplane(database_url, pool_login, "b") as second,
    ):
        first_listener = RecordingListener()
        second_listener = RecordingListener()
        await first.start(first_listener)
        await second.start(second_listener)
        await superuser.fetch(_TERMINATE, "rustygpt listen")
        await until(lambda: not second.connected)
        await until(lambda: second_listener.connections == 2)
        await all_connected(first, second)
        message = CancelAnswer(uuid4())
        first.publish(message)
        await until(lambda: second_listener.messages == [message])

    assert first_listener.connections == 2


async def test_positions_survive_a_lost_sending_connection(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """A position that could not be sent is sent later."""
    async with (
        postgres_backplane(database_url, pool_login, "a") as first,
        postgres_backplane(database_url, pool_login, "b") as second,
    ):
        listener = RecordingListener()
        await first.start(RecordingListener())
        await second.start(listener)
        await superuser.fetch(_TERMINATE, "rustygpt")
        conversation_id = uuid4()
        first.publish_position(conversation_id, 3)
        await until(lambda: listener.numbers == [(conversation_id, 3)])


async def test_invalid_notifications_are_ignored(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """Valid packets after them are handled."""
    async with postgres_backplane(database_url, pool_login, "a") as backplane:
        listener = RecordingListener()
        await backplane.start(listener)
        for data in ("", "\x01", '["x",{},[["kick","nonsense",1]]]', '["a",{},[["resend",null]]]'):
            await superuser.fetch("SELECT pg_notify($1, $2)", CHANNEL, data)
        conversation_id = UUID(int=9)
        packet = f'["x",{{"{conversation_id}":1}},[]]'
        await superuser.fetch("SELECT pg_notify($1, $2)", CHANNEL, packet)
        await until(lambda: listener.numbers == [(conversation_id, 1)])

    assert listener.messages == []


async def test_a_connection_that_does_not_answer_is_replaced(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """A probe without a reply in time ends the connection."""
    limits = TimeLimits(listen_probe=0.05, listen_probe_timeout=0.2)
    async with postgres_backplane(database_url, pool_login, "a", limits) as backplane:
        listener = RecordingListener()
        await backplane.start(listener)
        async with connected(database_url) as blocker, blocker.transaction():
            await blocker.execute("LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE")
            await until(lambda: not backplane.connected)
        await until(lambda: listener.connections >= 2)
