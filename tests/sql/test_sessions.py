"""Procedures about sessions, with a clock that the tests move."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.databases import connected
from tests.support.scene import Scene

from rustygpt_server.db import sessions
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.refusals import NotFound

IDLE, ABSOLUTE, GRACE = 28_800, 604_800, 30
WINDOWS = sessions.Windows(IDLE, ABSOLUTE, max_sessions=3)


def token(number: int) -> bytes:
    """A hash to tell sessions apart."""
    return bytes([number]) * 32


async def log_in(scene: Scene, user: UUID, number: int) -> sessions.Started:
    """A new session with the token of this number."""
    new = sessions.NewSession(scene.id(), user, token(number), "curl", "::1")
    return await sessions.start_session(scene.db, new, WINDOWS, scene.now)


async def check(scene: Scene, number: int) -> sessions.Checked:
    """What a token is now."""
    checked = await sessions.authenticate_sessions(scene.db, [token(number)], IDLE, scene.now)
    return checked[0]


async def rotate(scene: Scene, old: int, new: int) -> sessions.Rotated:
    """Rotate one token to another."""
    return await sessions.rotate_session(
        scene.db,
        token(old),
        token(new),
        grace_seconds=GRACE,
        idle_seconds=IDLE,
        now=scene.now,
    )


async def test_a_session_tells_its_user(scene: Scene) -> None:
    """A live token tells person and session; another one is unknown."""
    ada = await scene.person("ada")
    started = await log_in(scene, ada, 1)
    checked = await check(scene, 1)
    assert checked.reason is None
    assert checked.user is not None
    assert checked.user.username == "ada"
    assert checked.session == started.session
    assert not checked.superseded
    assert not checked.rotate_due
    assert await check(scene, 2) == sessions.Checked("unknown")


async def test_idle_window_moves_at_most_once_a_minute(scene: Scene) -> None:
    """Use within a minute writes nothing; later use moves the window on."""
    ada = await scene.person("ada")
    started = await log_in(scene, ada, 1)
    scene.tick(59)
    checked = await check(scene, 1)
    assert checked.session == started.session
    scene.tick(1)
    checked = await check(scene, 1)
    assert checked.session is not None
    assert checked.session.expires_at == scene.now + timedelta(seconds=IDLE)


async def test_idle_session_expires(scene: Scene) -> None:
    """A session that was not used for the idle window is expired, to the second."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE - 1)
    assert (await check(scene, 1)).rotate_due
    scene.tick(1)
    assert await check(scene, 1) == sessions.Checked("expired")


async def test_a_session_is_told_where_nothing_can_be_written(
    scene: Scene, database_url: str, pool_login: PoolLogin
) -> None:
    """On a database that may only be read the window stays, and no rotation is asked for."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE - 60)
    login = {"user": pool_login.user, "password": pool_login.password}
    only_read = {"default_transaction_read_only": "on"}
    async with connected(database_url, **login, server_settings=only_read) as connection:
        query = "SELECT reason, rotate_due FROM rustygpt.authenticate_sessions($1, $2, $3)"
        told = await connection.fetchrow(query, [token(1)], IDLE, scene.now)

    assert tuple(told) == (None, False)
    assert (await check(scene, 1)).rotate_due


async def test_rotation_is_due_in_the_second_half(scene: Scene) -> None:
    """A token is to be rotated when less than half of its idle window is left."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE / 2)
    assert not (await check(scene, 1)).rotate_due
    scene.tick(IDLE / 2 + 1)
    assert (await check(scene, 1)).rotate_due


async def test_absolute_end_survives_rotation(scene: Scene) -> None:
    """However often it is used and rotated, a session ends at its absolute end."""
    started = await log_in(scene, await scene.person("ada"), 1)
    number = 1
    while scene.now + timedelta(seconds=IDLE) < started.session.absolute_expires_at:
        scene.tick(IDLE - 60)
        rotated = await rotate(scene, number, number + 1)
        number += 1
        assert rotated.session.expires_at <= started.session.absolute_expires_at
    scene.now = started.session.absolute_expires_at
    assert await check(scene, number) == sessions.Checked("expired")


async def test_grace_of_a_rotated_token(scene: Scene) -> None:
    """The old token works for the grace without another rotation, and then is dead."""
    started = await log_in(scene, await scene.person("ada"), 1)
    rotated = await rotate(scene, 1, 2)
    assert rotated.rotated
    assert rotated.session.id == started.session.id
    scene.tick(GRACE - 1)
    checked = await check(scene, 1)
    assert checked.superseded
    assert not checked.rotate_due
    assert not (await rotate(scene, 1, 2)).rotated
    scene.tick(1)
    assert await check(scene, 1) == sessions.Checked("superseded")
    with pytest.raises(NotFound):
        await rotate(scene, 1, 2)
    assert (await check(scene, 2)).reason is None


async def test_rotations_at_once_make_one_token(scene: Scene) -> None:
    """Twenty rotations of one token at the same time make one new token."""
    await log_in(scene, await scene.person("ada"), 1)
    told = await asyncio.gather(*(rotate(scene, 1, 2) for _ in range(20)))
    assert sum(t.rotated for t in told) == 1
    assert (await check(scene, 2)).reason is None


async def test_oldest_session_ends_beyond_the_limit(scene: Scene) -> None:
    """A log-in beyond the allowed number ends the oldest and tells so; other people keep theirs."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    await log_in(scene, bob, 9)
    first = await log_in(scene, ada, 1)
    for number in (2, 3):
        scene.tick()
        await log_in(scene, ada, number)
    scene.tick()
    assert (await log_in(scene, ada, 4)).ended == [first.session.id]
    assert (await check(scene, 1)).reason == "unknown"
    assert (await check(scene, 9)).reason is None


async def test_list_and_end_own_sessions(scene: Scene) -> None:
    """One sees and ends one's own sessions only."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    first = await log_in(scene, ada, 1)
    scene.tick()
    second = await log_in(scene, ada, 2)
    listed = await sessions.list_sessions(scene.db, ada, first.session.id, scene.now)
    assert [(s.id, s.current) for s in listed] == [
        (second.session.id, False),
        (first.session.id, True),
    ]
    assert (listed[0].user_agent, listed[0].address) == ("curl", "::1")
    with pytest.raises(NotFound):
        await sessions.end_session(scene.db, bob, first.session.id)
    await sessions.end_session(scene.db, ada, first.session.id)
    assert (await check(scene, 1)).reason == "unknown"


async def test_log_out_by_token(scene: Scene) -> None:
    """A token ends its session, also one that was rotated away; twice is no harm."""
    started = await log_in(scene, await scene.person("ada"), 1)
    await rotate(scene, 1, 2)
    assert await sessions.end_session_by_token(scene.db, token(1)) == started.session.id
    assert await sessions.end_session_by_token(scene.db, token(1)) is None
    assert (await check(scene, 2)).reason == "unknown"


async def test_a_session_that_ends_meanwhile_is_whole_and_waited_for_by_nobody(
    scene: Scene, owner: Any
) -> None:
    """Its window is not moved then; it never becomes one without an id, nor holds others up."""
    started = await log_in(scene, await scene.person("ada"), 1)
    scene.tick(120)
    async with owner.transaction():
        await owner.execute("DELETE FROM rustygpt.sessions WHERE id = $1", started.session.id)
        checking = asyncio.create_task(check(scene, 1))
        ids = [started.session.id]
        touching = asyncio.create_task(sessions.touch_sessions(scene.db, ids, IDLE, scene.now))
        _, waiting = await asyncio.wait([checking, touching], timeout=1)

    checked = await checking
    assert checked.session is not None
    assert checked.session.id == started.session.id
    assert await touching == {started.session.id}
    assert not waiting
    assert (await check(scene, 1)).reason == "unknown"


async def test_open_streams_count_as_use(scene: Scene) -> None:
    """Touched sessions live on; dead and unknown ones are not answered."""
    ada = await scene.person("ada")
    live = await log_in(scene, ada, 1)
    scene.tick(IDLE - 10)
    alive = await sessions.touch_sessions(scene.db, [live.session.id, scene.id()], IDLE, scene.now)
    assert alive == {live.session.id}
    scene.tick(IDLE - 10)
    assert (await check(scene, 1)).reason is None
    assert await sessions.count_sessions(scene.db, scene.now) == 1


async def test_prune_forgets_expired_sessions(scene: Scene) -> None:
    """Sessions are forgotten a week after they expired."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE + 1)
    assert await sessions.prune_sessions(scene.db, scene.now) == 0
    assert await sessions.count_sessions(scene.db, scene.now) == 0
    scene.tick(8 * 86_400)
    assert await sessions.prune_sessions(scene.db, scene.now) == 1
