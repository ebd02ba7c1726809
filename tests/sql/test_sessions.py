"""The procedures in sql/procedures/sessions, with a clock that the tests move."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import PASSWORD_HASH, DatabaseBuilder
from tests.support.database.databases import connected

from rustygpt_server.db import access_changes, accounts, sessions
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.errors import NotFound, PasswordChanged

IDLE, ABSOLUTE, GRACE = 28_800, 604_800, 30
WINDOWS = sessions.SessionLimits(IDLE, ABSOLUTE, max_sessions=3)


def token(number: int) -> bytes:
    """A token hash that consists of one byte value."""
    return bytes([number]) * 32


async def log_in(builder: DatabaseBuilder, user: UUID, number: int) -> sessions.StartedSession:
    """Start a session with the token of this number."""
    new = sessions.NewSession(builder.id(), user, PASSWORD_HASH, token(number), "curl", "::1")
    return await sessions.start_session(builder.db, new, WINDOWS, builder.now)


async def check(builder: DatabaseBuilder, number: int) -> sessions.SessionCheck:
    """The result of the check of a token."""
    checked = await sessions.authenticate_sessions(builder.db, [token(number)], IDLE, builder.now)
    return checked[0]


async def rotate(builder: DatabaseBuilder, old: int, new: int) -> sessions.RotatedSession:
    """Rotate one token to another."""
    return await sessions.rotate_session(
        builder.db,
        token(old),
        token(new),
        grace_seconds=GRACE,
        idle_seconds=IDLE,
        now=builder.now,
    )


async def test_a_valid_token_returns_user_and_session(builder: DatabaseBuilder) -> None:
    """Another token is `unknown`."""
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


async def test_idle_expiry_is_extended_at_most_once_per_minute(builder: DatabaseBuilder) -> None:
    """Use within 60 s writes nothing; later use extends the expiry."""
    ada = await builder.person("ada")
    started = await log_in(builder, ada, 1)
    builder.advance_time(59)
    checked = await check(builder, 1)
    assert checked.session == started.session
    builder.advance_time(1)
    checked = await check(builder, 1)
    assert checked.session is not None
    assert checked.session.expires_at == builder.now + timedelta(seconds=IDLE)


async def test_an_idle_session_expires(builder: DatabaseBuilder) -> None:
    """A session expires exactly at the end of its idle time."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE - 1)
    assert (await check(builder, 1)).rotate_due
    builder.advance_time(1)
    assert await check(builder, 1) == sessions.SessionCheck("expired", username="ada")


async def test_a_token_can_be_checked_in_a_read_only_database(
    builder: DatabaseBuilder, database_url: str, pool_login: PoolLogin
) -> None:
    """The expiry is not extended, and no rotation is due."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE - 60)
    login = {"user": pool_login.user, "password": pool_login.password}
    only_read = {"default_transaction_read_only": "on"}
    async with connected(database_url, **login, server_settings=only_read) as connection:
        query = "SELECT reason, rotate_due FROM rustygpt.authenticate_sessions($1, $2, $3)"
        results = await connection.fetchrow(query, [token(1)], IDLE, builder.now)

    assert tuple(results) == (None, False)
    assert (await check(builder, 1)).rotate_due


async def test_rotation_is_due_in_the_second_half_of_the_idle_time(
    builder: DatabaseBuilder,
) -> None:
    """A rotation is due when less than half of the idle time remains."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE / 2)
    assert not (await check(builder, 1)).rotate_due
    builder.advance_time(IDLE / 2 + 1)
    assert (await check(builder, 1)).rotate_due


async def test_rotation_does_not_extend_the_absolute_expiry(builder: DatabaseBuilder) -> None:
    """However often it is used and rotated, a session ends at its absolute expiry."""
    started = await log_in(builder, await builder.person("ada"), 1)
    number = 1
    while builder.now + timedelta(seconds=IDLE) < started.session.absolute_expires_at:
        builder.advance_time(IDLE - 60)
        rotated = await rotate(builder, number, number + 1)
        number += 1
        assert rotated.session.expires_at <= started.session.absolute_expires_at
    builder.now = started.session.absolute_expires_at
    assert await check(builder, number) == sessions.SessionCheck("expired", username="ada")


async def test_a_rotated_token_is_valid_for_the_grace_period(builder: DatabaseBuilder) -> None:
    """It causes no second rotation, and is refused after the grace period."""
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
    assert await check(builder, 1) == sessions.SessionCheck("superseded", username="ada")
    with pytest.raises(NotFound):
        await rotate(builder, 1, 2)
    assert (await check(builder, 2)).reason is None


async def test_concurrent_rotations_make_one_token(builder: DatabaseBuilder) -> None:
    """20 concurrent rotations of one token make 1 new token."""
    await log_in(builder, await builder.person("ada"), 1)
    results = await asyncio.gather(*(rotate(builder, 1, 2) for _ in range(20)))
    assert sum(t.rotated for t in results) == 1
    assert (await check(builder, 2)).reason is None


async def test_the_oldest_session_above_the_limit_ends(builder: DatabaseBuilder) -> None:
    """The login returns the ended session; sessions of other users are not affected."""
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


async def test_users_list_and_end_their_own_sessions_only(builder: DatabaseBuilder) -> None:
    """A session of another user is not found."""
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


async def test_logout_ends_the_session_of_a_token(builder: DatabaseBuilder) -> None:
    """Also by a rotated token; a second logout does nothing."""
    started = await log_in(builder, await builder.person("ada"), 1)
    await rotate(builder, 1, 2)
    assert await sessions.end_session_by_token(builder.db, token(1)) == started.session.id
    assert await sessions.end_session_by_token(builder.db, token(1)) is None
    assert (await check(builder, 2)).reason == "unknown"


async def test_a_locked_session_is_checked_without_waiting(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Its expiry is not extended; the check returns the complete session at once."""
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


async def test_open_streams_extend_the_idle_expiry(builder: DatabaseBuilder) -> None:
    """Only sessions that exist are returned."""
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


async def test_sessions_are_deleted_7_days_after_expiry(builder: DatabaseBuilder) -> None:
    """They do not count as sessions from their expiry on."""
    await log_in(builder, await builder.person("ada"), 1)
    builder.advance_time(IDLE + 1)
    assert await sessions.prune_sessions(builder.db, builder.now) == 0
    assert await sessions.count_sessions(builder.db, builder.now) == 0
    builder.advance_time(8 * 86_400)
    assert await sessions.prune_sessions(builder.db, builder.now) == 1


async def change_password(
    builder: DatabaseBuilder, user: UUID, session_id: UUID, number: int, checked: str
) -> sessions.RenewedSession:
    """Change the password that was checked; the session gets the token of this number."""
    change = sessions.PasswordChange(user, session_id, checked, "new", token(number))
    return await sessions.change_password(builder.db, change, IDLE, builder.now)


async def test_change_password_leaves_one_token(builder: DatabaseBuilder) -> None:
    """The session's old tokens, rotated ones included, are unknown, and other sessions end."""
    ada = await builder.person("ada")
    kept, other = await log_in(builder, ada, 1), await log_in(builder, ada, 2)
    await rotate(builder, 1, 3)
    changed = await change_password(builder, ada, kept.session.id, 4, PASSWORD_HASH)
    assert changed.ended_sessions == [other.session.id]
    assert changed.session.id == kept.session.id
    reasons = [(await check(builder, number)).reason for number in (1, 2, 3, 4)]
    assert reasons == ["unknown", "unknown", "unknown", None]
    checked = await check(builder, 4)
    assert not checked.rotate_due
    assert (checked.generation, changed.generation) == (1, 1)
    assert await accounts.show_password(builder.db, ada) == "new"


async def test_a_superseded_token_does_not_rotate_after_a_password_change(
    builder: DatabaseBuilder,
) -> None:
    """A token that was rotated before the change cannot be exchanged for the next one."""
    ada = await builder.person("ada")
    kept = await log_in(builder, ada, 1)
    await rotate(builder, 1, 2)
    await change_password(builder, ada, kept.session.id, 3, PASSWORD_HASH)
    for old in (1, 2):
        with pytest.raises(NotFound):
            await rotate(builder, old, 9)


async def test_checks_are_not_cacheable_while_caches_are_bypassed(
    builder: DatabaseBuilder,
) -> None:
    """Until the time that was given, or the end of the password change."""
    ada = await builder.person("ada")
    session = (await log_in(builder, ada, 1)).session
    cacheable = [(await check(builder, 1)).cacheable]
    for _ in range(2):
        until = builder.now + timedelta(seconds=30)
        await access_changes.bypass_caches(builder.db, ada, until)
        cacheable.append((await check(builder, 1)).cacheable)
        builder.advance_time(30)
        cacheable.append((await check(builder, 1)).cacheable)
    await access_changes.bypass_caches(builder.db, ada, builder.now + timedelta(seconds=30))
    await change_password(builder, ada, session.id, 2, PASSWORD_HASH)
    cacheable.append((await check(builder, 2)).cacheable)
    assert cacheable == [True, False, True, False, True, True]
    with pytest.raises(NotFound):
        await access_changes.bypass_caches(builder.db, builder.id(), builder.now)


async def test_change_password_requires_the_checked_hash_and_a_live_session(
    builder: DatabaseBuilder,
) -> None:
    """Neither an outdated check, nor an ended, expired or foreign session, changes anything."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    mine, foreign = await log_in(builder, ada, 1), await log_in(builder, bob, 2)
    with pytest.raises(PasswordChanged):
        await change_password(builder, ada, mine.session.id, 3, "outdated")
    for session_id in (foreign.session.id, builder.id()):
        with pytest.raises(NotFound):
            await change_password(builder, ada, session_id, 3, PASSWORD_HASH)
    builder.advance_time(IDLE)
    with pytest.raises(NotFound):
        await change_password(builder, ada, mine.session.id, 3, PASSWORD_HASH)
    assert await accounts.show_password(builder.db, ada) == PASSWORD_HASH
