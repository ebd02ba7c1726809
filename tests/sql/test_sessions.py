"""Procedures about sessions, with a clock that the tests move."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.databases import connected

from rustygpt_server.db import sessions
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.errors import NotFound

IDLE, ABSOLUTE, GRACE = 28_800, 604_800, 30
WINDOWS = sessions.SessionLimits(IDLE, ABSOLUTE, max_sessions=3)


def token(number: int) -> bytes:
    """A hash to tell sessions apart."""
    return bytes([number]) * 32


async def log_in(scene: DatabaseBuilder, user: UUID, number: int) -> sessions.StartedSession:
    """A new session with the token of this number."""
    new = sessions.NewSession(scene.id(), user, token(number), "curl", "::1")
    return await sessions.start_session(scene.db, new, WINDOWS, scene.now)


async def check(scene: DatabaseBuilder, number: int) -> sessions.SessionCheck:
    """What a token is now."""
    checked = await sessions.authenticate_sessions(scene.db, [token(number)], IDLE, scene.now)
    return checked[0]


async def rotate(scene: DatabaseBuilder, old: int, new: int) -> sessions.RotatedSession:
    """Rotate one token to another."""
    return await sessions.rotate_session(
        scene.db,
        token(old),
        token(new),
        grace_seconds=GRACE,
        idle_seconds=IDLE,
        now=scene.now,
    )


async def test_a_session_tells_its_user(builder: DatabaseBuilder) -> None:
    """A live token tells person and session; another one is unknown."""
    ada = await builder.person("ada")
    started = await log_in(builder, ada, 1)
    checked = await check(builder, 1)
    assert checked.reason is None
    assert checked.user is not None
    assert checked.user.username == "ada"
    assert checked.session == started.session
    assert not checked.superseded
    assert not checked.rotate_due
    assert await check(builder, 2) == sessions.SessionCheck("unknown")


async def test_idle_window_moves_at_most_once_a_minute(builder: DatabaseBuilder) -> None:
    """Use within a minute writes nothing; later use moves the window on."""
    ada = await builder.person("ada")
    started = await log_in(builder, ada, 1)
    builder.advance_time(59)
    checked = await check(builder, 1)
    assert checked.session == started.session
    builder.advance_time(1)
    checked = await check(builder, 1)
    assert checked.session is not None
    assert checked.session.expires_at == builder.now + timedelta(seconds=IDLE)


async def test_idle_session_expires(builder: DatabaseBuilder) -> None:
    """A session that was not used for the idle window is expired, to the second."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE - 1)
    assert (await check(builder, 1)).rotate_due
    builder.advance_time(1)
    assert await check(builder, 1) == sessions.SessionCheck("expired")


async def test_a_session_is_told_where_nothing_can_be_written(
    builder: DatabaseBuilder, database_url: str, pool_login: PoolLogin
) -> None:
    """On a database that may only be read the window stays, and no rotation is asked for."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE - 60)
    login = {"user": pool_login.user, "password": pool_login.password}
    only_read = {"default_transaction_read_only": "on"}
    async with connected(database_url, **login, server_settings=only_read) as connection:
        query = "SELECT reason, rotate_due FROM rustygpt.authenticate_sessions($1, $2, $3)"
        told = await connection.fetchrow(query, [token(1)], IDLE, builder.now)

    assert tuple(told) == (None, False)
    assert (await check(builder, 1)).rotate_due


async def test_rotation_is_due_in_the_second_half(builder: DatabaseBuilder) -> None:
    """A token is to be rotated when less than half of its idle window is left."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE / 2)
    assert not (await check(builder, 1)).rotate_due
    builder.advance_time(IDLE / 2 + 1)
    assert (await check(builder, 1)).rotate_due


async def test_absolute_end_survives_rotation(builder: DatabaseBuilder) -> None:
    """However often it is used and rotated, a session ends at its absolute end."""
    started = await log_in(builder, await builder.person("ada"), 1)
    number = 1
    while builder.now + timedelta(seconds=IDLE) < started.session.absolute_expires_at:
        builder.advance_time(IDLE - 60)
        rotated = await rotate(builder, number, number + 1)
        number += 1
        assert rotated.session.expires_at <= started.session.absolute_expires_at
    builder.now = started.session.absolute_expires_at
    assert await check(builder, number) == sessions.SessionCheck("expired")


async def test_grace_of_a_rotated_token(builder: DatabaseBuilder) -> None:
    """The old token works for the grace without another rotation, and then is dead."""
    started = await log_in(builder, await builder.person("ada"), 1)
    rotated = await rotate(builder, 1, 2)
    assert rotated.rotated
    assert rotated.session.id == started.session.id
    builder.advance_time(GRACE - 1)
    checked = await check(builder, 1)
    assert checked.superseded
    assert not checked.rotate_due
    assert not (await rotate(builder, 1, 2)).rotated
    builder.advance_time(1)
    assert await check(builder, 1) == sessions.SessionCheck("superseded")
    with pytest.raises(NotFound):
        await rotate(builder, 1, 2)
    assert (await check(builder, 2)).reason is None


async def test_rotations_at_once_make_one_token(builder: DatabaseBuilder) -> None:
    """Twenty rotations of one token at the same time make one new token."""
    await log_in(builder, await builder.person("ada"), 1)
    told = await asyncio.gather(*(rotate(builder, 1, 2) for _ in range(20)))
    assert sum(t.rotated for t in told) == 1
    assert (await check(builder, 2)).reason is None


async def test_oldest_session_ends_beyond_the_limit(builder: DatabaseBuilder) -> None:
    """A log-in beyond the allowed number ends the oldest and tells so; other people keep theirs."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    await log_in(builder, bob, 9)
    first = await log_in(builder, ada, 1)
    for number in (2, 3):
        builder.advance_time()
        await log_in(builder, ada, number)
    builder.advance_time()
    assert (await log_in(builder, ada, 4)).ended_sessions == [first.session.id]
    assert (await check(builder, 1)).reason == "unknown"
    assert (await check(builder, 9)).reason is None


async def test_list_and_end_own_sessions(builder: DatabaseBuilder) -> None:
    """One sees and ends one's own sessions only."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    first = await log_in(builder, ada, 1)
    builder.advance_time()
    second = await log_in(builder, ada, 2)
    listed = await sessions.list_sessions(builder.db, ada, first.session.id, builder.now)
    assert [(s.id, s.current) for s in listed] == [
        (second.session.id, False),
        (first.session.id, True),
    ]
    assert (listed[0].user_agent, listed[0].address) == ("curl", "::1")
    with pytest.raises(NotFound):
        await sessions.end_session(builder.db, bob, first.session.id)
    await sessions.end_session(builder.db, ada, first.session.id)
    assert (await check(builder, 1)).reason == "unknown"


async def test_log_out_by_token(builder: DatabaseBuilder) -> None:
    """A token ends its session, also one that was rotated away; twice is no harm."""
    started = await log_in(builder, await builder.person("ada"), 1)
    await rotate(builder, 1, 2)
    assert await sessions.end_session_by_token(builder.db, token(1)) == started.session.id
    assert await sessions.end_session_by_token(builder.db, token(1)) is None
    assert (await check(builder, 2)).reason == "unknown"


async def test_a_session_that_ends_meanwhile_is_whole_and_waited_for_by_nobody(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Its window is not moved then; it never becomes one without an id, nor holds others up."""
    started = await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(120)
    async with superuser.transaction():
        await superuser.execute("DELETE FROM rustygpt.sessions WHERE id = $1", started.session.id)
        checking = asyncio.create_task(check(builder, 1))
        ids = [started.session.id]
        touching = asyncio.create_task(sessions.touch_sessions(builder.db, ids, IDLE, builder.now))
        _, waiting = await asyncio.wait([checking, touching], timeout=1)

    checked = await checking
    assert checked.session is not None
    assert checked.session.id == started.session.id
    assert await touching == {started.session.id}
    assert not waiting
    assert (await check(builder, 1)).reason == "unknown"


async def test_open_streams_count_as_use(builder: DatabaseBuilder) -> None:
    """Touched sessions live on; dead and unknown ones are not answered."""
    ada = await builder.person("ada")
    live = await log_in(builder, ada, 1)
    builder.advance_time(IDLE - 10)
    alive = await sessions.touch_sessions(
        builder.db, [live.session.id, builder.id()], IDLE, builder.now
    )
    assert alive == {live.session.id}
    builder.advance_time(IDLE - 10)
    assert (await check(builder, 1)).reason is None
    assert await sessions.count_sessions(builder.db, builder.now) == 1


async def test_prune_forgets_expired_sessions(builder: DatabaseBuilder) -> None:
    """Sessions are forgotten a week after they expired."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE + 1)
    assert await sessions.prune_sessions(builder.db, builder.now) == 0
    assert await sessions.count_sessions(builder.db, builder.now) == 0
    builder.advance_time(8 * 86_400)
    assert await sessions.prune_sessions(builder.db, builder.now) == 1
