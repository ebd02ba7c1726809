"""The line over NOTIFY outlives lost connections and takes no nonsense."""

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

_END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = $1
"""


async def test_a_lost_line_is_made_anew(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """The ear is told each time that the line is up, because it may have missed something."""
    async with (
        postgres_backplane(database_url, pool_login, "a") as one,
        postgres_backplane(database_url, pool_login, "b") as two,
    ):
        ear, other = RecordingListener(), RecordingListener()
        await one.start(other)
        await two.start(ear)
        await superuser.fetch(_END, "rustygpt listen")
        await until(lambda: not two.connected)
        await until(lambda: ear.connections == 2)
        await all_connected(one, two)
        word = CancelAnswer(uuid4())
        one.publish(word)
        await until(lambda: ear.messages == [word])

    assert other.connections == 2


async def test_positions_outlive_a_lost_sender(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """What could not be told is told when it can be."""
    async with (
        postgres_backplane(database_url, pool_login, "a") as one,
        postgres_backplane(database_url, pool_login, "b") as two,
    ):
        ear = RecordingListener()
        await one.start(RecordingListener())
        await two.start(ear)
        await superuser.fetch(_END, "rustygpt")
        room = uuid4()
        one.publish_position(room, 3)
        await until(lambda: ear.numbers == [(room, 3)])


async def test_nonsense_is_left_alone(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """Notifications by others do no harm."""
    async with postgres_backplane(database_url, pool_login, "a") as line:
        ear = RecordingListener()
        await line.start(ear)
        for data in ("", "\x01", '["x",{},[["kick","nonsense",1]]]', '["a",{},[["want",null]]]'):
            await superuser.fetch("SELECT pg_notify($1, $2)", CHANNEL, data)
        room = UUID(int=9)
        await superuser.fetch("SELECT pg_notify($1, $2)", CHANNEL, f'["x",{{"{room}":1}},[]]')
        await until(lambda: ear.numbers == [(room, 1)])

    assert ear.messages == []


async def test_a_dead_connection_is_noticed(
    database_url: str, pool_login: PoolLogin, superuser: Any
) -> None:
    """A line that does not answer the probe in time is given up, and made anew."""
    limits = TimeLimits(listen_probe=0.05, listen_probe_timeout=0.2)
    async with postgres_backplane(database_url, pool_login, "a", limits) as line:
        ear = RecordingListener()
        await line.start(ear)
        async with connected(database_url) as blocker, blocker.transaction():
            await blocker.execute("LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE")
            await until(lambda: not line.connected)
        await until(lambda: ear.connections >= 2)
