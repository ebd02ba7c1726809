"""The procedures in sql/procedures/tokens, with a clock that the tests move."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import access_changes, accounts, events, sessions, tokens
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import Conflict, NotFound
from rustygpt_shared.models.tokens import PersonalToken

MAX = 3


async def create(
    builder: DatabaseBuilder,
    user: UUID,
    number: int,
    *,
    seconds: float | None = None,
    key: IdempotencyKey | None = None,
) -> PersonalToken:
    """Create a token whose hash consists of one byte value."""
    ends = None if seconds is None else builder.now + timedelta(seconds=seconds)
    new = tokens.NewToken(builder.id(), bytes([number]) * 32, f"t{number}", ["write", "read"], ends)
    return await tokens.create_token(builder.db, user, new, MAX, key, builder.now)


async def check(builder: DatabaseBuilder, *numbers: int) -> list[tokens.TokenCheck]:
    """Check the tokens of these numbers in one statement."""
    hashes = [bytes([number]) * 32 for number in numbers]
    return await tokens.authenticate_tokens(builder.db, hashes, builder.now)


async def test_a_token_is_checked_with_its_user(builder: DatabaseBuilder) -> None:
    """Unknown ones have a reason; results come in the order of the request."""
    ann = await builder.person("ann")
    created = await create(builder, ann, 1)
    unknown, known = await check(builder, 9, 1)

    assert (unknown.token, unknown.reason, unknown.username) == (None, "unknown", None)
    assert known.token is not None
    assert (known.token.user.id, known.token.id) == (ann, created.id)
    assert known.token.scopes == created.scopes == ["read", "write"]


async def test_use_is_recorded_at_most_once_a_minute(builder: DatabaseBuilder) -> None:
    """Also when it is in one statement with others."""
    ann = await builder.person("ann")
    await create(builder, ann, 1)
    first = builder.now
    times = []
    for seconds in (0, 59, 1):
        builder.advance_time(seconds)
        [checked, _] = await check(builder, 1, 1)
        assert checked.token is not None
        times.append(checked.token.last_used_at)

    assert times == [first, first, first + timedelta(seconds=60)]


async def test_an_open_stream_is_use(builder: DatabaseBuilder) -> None:
    """It is recorded with that of sessions."""
    ann = await builder.person("ann")
    token = await create(builder, ann, 1)
    await sessions.touch_sessions(builder.db, [token.id], 60, builder.now)
    [listed] = await tokens.list_tokens(builder.db, ann)

    assert listed.last_used_at == builder.now


async def test_an_expired_token_is_refused_and_pruned_later(builder: DatabaseBuilder) -> None:
    """It is listed for 7 days."""
    ann = await builder.person("ann")
    await create(builder, ann, 1, seconds=60)
    builder.advance_time(60)
    [checked] = await check(builder, 1)
    assert (checked.reason, checked.username) == ("expired", "ann")
    assert await tokens.prune_tokens(builder.db, builder.now) == 0
    builder.advance_time(7 * 86_400 + 1)
    assert await tokens.prune_tokens(builder.db, builder.now) == 1
    assert await tokens.list_tokens(builder.db, ann) == []


async def test_a_user_has_a_limited_number_of_tokens(builder: DatabaseBuilder) -> None:
    """Also under concurrency; expired ones do not count."""
    ann = await builder.person("ann")
    await create(builder, ann, 1, seconds=1)
    builder.advance_time(1)
    results = await asyncio.gather(
        *(create(builder, ann, number) for number in range(2, 8)), return_exceptions=True
    )
    refused = [r for r in results if isinstance(r, Conflict)]

    assert len(refused) == 6 - MAX
    assert "the maximum" in str(refused[0])


async def test_only_its_owner_revokes_a_token(builder: DatabaseBuilder) -> None:
    """The access change ends its streams in every process."""
    ann, eve = await builder.person("ann"), await builder.person("eve")
    token = await create(builder, ann, 1)
    with pytest.raises(NotFound):
        await tokens.revoke_token(builder.db, eve, token.id)
    await tokens.revoke_token(builder.db, ann, token.id)
    page = await access_changes.read_access_changes(builder.db, 0, 1_000)

    assert (await check(builder, 1))[0].reason == "unknown"
    assert page.changes[-1] == access_changes.AccessChange("session_ended", ann, token.id)


async def test_disabling_an_account_revokes_its_tokens(builder: DatabaseBuilder) -> None:
    """They do not come back when it is enabled again; a new password leaves them alone."""
    ann = await builder.person("ann")
    kept, lost = await create(builder, ann, 1), await create(builder, ann, 2)

    async def update(**changes: Any) -> accounts.UpdatedAccount:
        values = {"disabled": None, "roles": None, "password_hash": None, **changes}
        return await accounts.update_user(builder.db, builder.admin, ann, now=builder.now, **values)

    await update(password_hash="new")
    assert [c.reason for c in await check(builder, 1, 2)] == [None, None]
    changed = await update(disabled=True)
    await update(disabled=False)

    assert set(changed.ended_sessions) == {kept.id, lost.id}
    assert [c.reason for c in await check(builder, 1, 2)] == ["unknown", "unknown"]


async def test_streams_of_tokens_that_ended_are_found(builder: DatabaseBuilder) -> None:
    """Of those that were revoked or have expired."""
    ann = await builder.person("ann")
    ids = [(await create(builder, ann, n, seconds=s)).id for n, s in ((1, None), (2, 60), (3, 90))]
    await tokens.revoke_token(builder.db, ann, ids[0])
    builder.advance_time(60)
    streams = [events.StreamKey(token_id, ann, None) for token_id in ids]
    revoked = await events.find_revoked_streams(builder.db, streams, builder.now)

    assert [(r.stream.session_id, r.reason) for r in revoked] == [
        (ids[0], "session_ended"),
        (ids[1], "session_ended"),
    ]


async def test_a_repeated_idempotency_key_is_a_conflict(builder: DatabaseBuilder) -> None:
    """The response holds a secret and is not kept; a key is free again after 24 hours."""
    ann = await builder.person("ann")
    key = IdempotencyKey("k", b"x" * 32)
    await create(builder, ann, 1, key=key)
    for body_hash in (b"x", b"y"):
        with pytest.raises(Conflict):
            await create(builder, ann, 2, key=IdempotencyKey("k", body_hash * 32))
    builder.advance_time(86_400)
    await create(builder, ann, 2, key=key)
