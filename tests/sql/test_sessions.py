"""The procedures in sql/procedures/sessions, with a clock that the tests move."""

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
    """A token hash that consists of one byte value."""
    return bytes([number]) * 32


async def log_in(scene: Scene, user: UUID, number: int) -> sessions.Started:
    """Start a session with the token of this number."""
    new = sessions.NewSession(scene.id(), user, token(number), "curl", "::1")
    return await sessions.start_session(scene.db, new, WINDOWS, scene.now)


async def check(scene: Scene, number: int) -> sessions.Checked:
    """The result of the check of a token."""
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


async def test_a_valid_token_returns_user_and_session(scene: Scene) -> None:
    """Another token is `unknown`."""
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


async def test_idle_expiry_is_extended_at_most_once_per_minute(scene: Scene) -> None:
    """Use within 60 s writes nothing; later use extends the expiry."""
    ada = await scene.person("ada")
    started = await log_in(scene, ada, 1)
    scene.tick(59)
    checked = await check(scene, 1)
    assert checked.session == started.session
    scene.tick(1)
    checked = await check(scene, 1)
    assert checked.session is not None
    assert checked.session.expires_at == scene.now + timedelta(seconds=IDLE)


async def test_an_idle_session_expires(scene: Scene) -> None:
    """A session expires exactly at the end of its idle time."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE - 1)
    assert (await check(scene, 1)).rotate_due
    scene.tick(1)
    assert await check(scene, 1) == sessions.Checked("expired")


async def test_a_token_can_be_checked_in_a_read_only_database(
    scene: Scene, database_url: str, pool_login: PoolLogin
) -> None:
    """The expiry is not extended, and no rotation is due."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE - 60)
    login = {"user": pool_login.user, "password": pool_login.password}
    only_read = {"default_transaction_read_only": "on"}
    async with connected(database_url, **login, server_settings=only_read) as connection:
        query = "SELECT reason, rotate_due FROM rustygpt.authenticate_sessions($1, $2, $3)"
        results = await connection.fetchrow(query, [token(1)], IDLE, scene.now)

    assert tuple(results) == (None, False)
    assert (await check(scene, 1)).rotate_due


async def test_rotation_is_due_in_the_second_half_of_the_idle_time(scene: Scene) -> None:
    """A rotation is due when less than half of the idle time remains."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE / 2)
    assert not (await check(scene, 1)).rotate_due
    scene.tick(IDLE / 2 + 1)
    assert (await check(scene, 1)).rotate_due


async def test_rotation_does_not_extend_the_absolute_expiry(scene: Scene) -> None:
    """However often it is used and rotated, a session ends at its absolute expiry."""
    started = await log_in(scene, await scene.person("ada"), 1)
    number = 1
    while scene.now + timedelta(seconds=IDLE) < started.session.absolute_expires_at:
        scene.tick(IDLE - 60)
        rotated = await rotate(scene, number, number + 1)
        number += 1
        assert rotated.session.expires_at <= started.session.absolute_expires_at
    scene.now = started.session.absolute_expires_at
    assert await check(scene, number) == sessions.Checked("expired")


async def test_a_rotated_token_is_valid_for_the_grace_period(scene: Scene) -> None:
    """It causes no second rotation, and is refused after the grace period."""
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


async def test_concurrent_rotations_make_one_token(scene: Scene) -> None:
    """20 concurrent rotations of one token make 1 new token."""
    await log_in(scene, await scene.person("ada"), 1)
    results = await asyncio.gather(*(rotate(scene, 1, 2) for _ in range(20)))
    assert sum(t.rotated for t in results) == 1
    assert (await check(scene, 2)).reason is None


async def test_the_oldest_session_above_the_limit_ends(scene: Scene) -> None:
    """The login returns the ended session; sessions of other users are not affected."""
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


async def test_users_list_and_end_their_own_sessions_only(scene: Scene) -> None:
    """A session of another user is not found."""
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


async def test_logout_ends_the_session_of_a_token(scene: Scene) -> None:
    """Also by a rotated token; a second logout does nothing."""
    started = await log_in(scene, await scene.person("ada"), 1)
    await rotate(scene, 1, 2)
    assert await sessions.end_session_by_token(scene.db, token(1)) == started.session.id
    assert await sessions.end_session_by_token(scene.db, token(1)) is None
    assert (await check(scene, 2)).reason == "unknown"


async def test_a_locked_session_is_checked_without_waiting(scene: Scene, owner: Any) -> None:
    """Its expiry is not extended; the check returns the complete session at once."""
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


async def test_open_streams_extend_the_idle_expiry(scene: Scene) -> None:
    """Only sessions that exist are returned."""
    ada = await scene.person("ada")
    live = await log_in(scene, ada, 1)
    scene.tick(IDLE - 10)
    alive = await sessions.touch_sessions(scene.db, [live.session.id, scene.id()], IDLE, scene.now)
    assert alive == {live.session.id}
    scene.tick(IDLE - 10)
    assert (await check(scene, 1)).reason is None
    assert await sessions.count_sessions(scene.db, scene.now) == 1


async def test_sessions_are_deleted_7_days_after_expiry(scene: Scene) -> None:
    """They do not count as sessions from their expiry on."""
    await log_in(scene, await scene.person("ada"), 1)
    scene.tick(IDLE + 1)
    assert await sessions.prune_sessions(scene.db, scene.now) == 0
    assert await sessions.count_sessions(scene.db, scene.now) == 0
    scene.tick(8 * 86_400)
    assert await sessions.prune_sessions(scene.db, scene.now) == 1
