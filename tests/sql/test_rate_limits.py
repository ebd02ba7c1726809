"""The cells of limits that hold across processes: their arithmetic, logins and posts."""

import itertools
import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.databases import NOW

from rustygpt_server.db import messages, participants, rate_limits
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import NewMessage, Post
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import RateLimited
from rustygpt_server.rates import LimitState, Rate

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
RATE = Rate("auth.login", 6_000_000, 5)
_TAKE = "SELECT accepted, full_at FROM rustygpt.take_from_cell($1, NULL, $2, $3, $4, $5)"
_EPOCH = datetime(1970, 1, 1, tzinfo=NOW.tzinfo)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


@pytest.mark.parametrize("seed", range(6))
async def test_the_database_calculates_what_python_does(
    database: Database, superuser: Any, seed: int
) -> None:
    """For the same requests both accept the same ones, and come to the same state."""
    choose = random.Random(seed)
    rate = Rate("p", choose.choice([1, 333_333, 6_000_000, 100_000_000_000]), choose.randint(1, 9))
    full_at, now = _microseconds(NOW), NOW
    for _ in range(60):
        now += timedelta(microseconds=choose.choice([0, 1, rate.interval_us // 2]))
        accepted, full_at = rate.take(full_at, _microseconds(now))
        arguments = (bytes([seed]) * 32, rate.interval_us, rate.burst, False, now)
        row = await superuser.fetchrow(_TAKE, *arguments)
        assert (row[0], _microseconds(row[1])) == (accepted, full_at)
    assert database.size  # its tables were emptied


async def test_a_clock_that_is_set_back_locks_nobody_out(
    database: Database, superuser: Any
) -> None:
    """A state too far in the future is that of a full cell; the same for a raised rate."""
    key, hour = b"k" * 32, timedelta(hours=1)

    async def take(interval_us: int, *, grows: bool, now: datetime) -> bool:
        row = await superuser.fetchrow(_TAKE, key, interval_us, 2, grows, now)
        return bool(row[0])

    for grows in (False, True):
        later = NOW + 24 * hour
        assert [await take(1_000_000, grows=grows, now=later) for _ in range(3)] == [
            *(True, True, False)
        ]
        taken = [await take(1_000_000, grows=grows, now=later - hour) for _ in range(3)]
        assert taken == [True, True, False]
        assert await take(3_600_000_000, grows=grows, now=later + hour)
        assert await take(1_000, grows=grows, now=later + hour)
        await superuser.execute("DELETE FROM rustygpt.limit_cells")
    assert database.size


async def _log_in(
    db: Database, name: str = "ada", address: str = HERE, *, seconds: float = 0
) -> LimitState:
    now = NOW + timedelta(seconds=seconds)
    _, state = await rate_limits.admit_login(db, name, address, RATE, now)
    return state


def _is_refused(state: LimitState) -> bool:
    return state.retry_after_seconds is not None


async def test_an_address_has_its_number_of_logins(builder: DatabaseBuilder) -> None:
    """Whatever the names are; another address is not affected."""
    states = [await _log_in(builder.db, f"name {number}") for number in range(6)]

    assert [state.remaining for state in states] == [4, 3, 2, 1, 0, 0]
    assert [_is_refused(state) for state in states] == [False] * 5 + [True]
    assert states[-1].retry_after_seconds == 6
    assert not _is_refused(await _log_in(builder.db, "name", ELSEWHERE))
    assert _is_refused(await _log_in(builder.db, seconds=5.9))
    assert not _is_refused(await _log_in(builder.db, seconds=6))


async def test_an_account_has_its_number_of_logins(builder: DatabaseBuilder) -> None:
    """From many addresses together, and by the name without regard to case; others have theirs."""
    states = [await _log_in(builder.db, "Ada", f"192.0.2.{n}") for n in range(6)]

    assert [_is_refused(state) for state in states] == [False] * 5 + [True]
    assert _is_refused(await _log_in(builder.db, "aDA", ELSEWHERE))
    assert not _is_refused(await _log_in(builder.db, "bob", ELSEWHERE))


async def test_an_unknown_account_is_limited_like_a_known_one(builder: DatabaseBuilder) -> None:
    """The states are the same, so that they do not tell which accounts exist."""
    await builder.person("ada")

    async def attack(name: str) -> list[LimitState]:
        return [await _log_in(builder.db, name, f"{name} {n}", seconds=4.0 * n) for n in range(30)]

    assert await attack("ada") == await attack("eve")


async def test_an_attacked_account_is_open_to_its_own_address(builder: DatabaseBuilder) -> None:
    """Where the account has signed in from lately it has logins of its own, for a time."""
    ada = await builder.person("ada")
    await rate_limits.remember_login(builder.db, ada, HERE, NOW + timedelta(days=30))
    for number in range(20):
        await _log_in(builder.db, "ada", f"203.0.113.{number}")

    assert _is_refused(await _log_in(builder.db, "ada", ELSEWHERE))
    assert not _is_refused(await _log_in(builder.db, "ada", HERE))
    assert _is_refused(await _log_in(builder.db, "bob", "203.0.113.0")) is False
    at_the_end = [await _log_in(builder.db, "ada", HERE) for _ in range(5)]
    assert _is_refused(at_the_end[-1])


async def test_an_attack_gets_slower_and_a_pause_ends_that(builder: DatabaseBuilder) -> None:
    """The interval of an account doubles with each attempt from elsewhere, up to 64 times."""
    accepted = []
    for second in range(0, 4_000, 3):
        state = await _log_in(builder.db, "ada", f"address {second}", seconds=second)
        accepted += [] if _is_refused(state) else [second]
        assert (state.retry_after_seconds or 0) <= 64 * 6

    gaps = [later - earlier for earlier, later in itertools.pairwise(accepted[5:])]
    assert len(accepted) < 30
    assert max(gaps) == gaps[-1] == 64 * 6
    assert gaps == sorted(gaps)
    rested = 4_000 + 64 * 6 + 5 * 6
    for number in range(5):
        state = await _log_in(builder.db, "ada", f"later {number}", seconds=rested)
        assert not _is_refused(state)


async def test_a_refused_address_takes_nothing_from_the_account(builder: DatabaseBuilder) -> None:
    """One address alone cannot use up all logins of an account that is attacked from it."""
    for _ in range(4):
        await _log_in(builder.db, "bob")
    for _ in range(50):
        await _log_in(builder.db, "ada")

    assert not _is_refused(await _log_in(builder.db, "ada", ELSEWHERE))


async def test_cells_that_say_nothing_are_pruned(builder: DatabaseBuilder, superuser: Any) -> None:
    """A cell is kept while it limits somebody, an address while it is remembered."""
    ada = await builder.person("ada")
    await rate_limits.remember_login(builder.db, ada, HERE, NOW + timedelta(days=30))
    await _log_in(builder.db, "eve", ELSEWHERE)

    async def prune(after: timedelta) -> int:
        return await rate_limits.prune_limit_cells(builder.db, NOW + after, 2)

    assert await prune(timedelta(seconds=5)) == 0
    assert await prune(timedelta(seconds=6)) == 2
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.limit_cells") == 1
    assert await prune(timedelta(days=31)) == 1


POSTING = Rate("conversation.post", 200_000, 2)


async def _post(
    builder: DatabaseBuilder,
    actor: UUID,
    conversation_id: UUID,
    key: IdempotencyKey | None = None,
    *,
    at: float = 0,
    count: int = 1,
) -> list[Any]:
    posts = [
        Post(
            actor,
            NewMessage(builder.id(), "text", idempotency=key),
            conversation_id=conversation_id,
            rate=POSTING,
        )
        for _ in range(count)
    ]
    now = builder.now + timedelta(seconds=at)
    return await messages.post_messages(builder.db, posts, [None] * count, now, wait=True)


async def test_posts_are_limited_by_author_and_conversation(builder: DatabaseBuilder) -> None:
    """A post beyond the limit stores nothing; other people and conversations are not affected."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    here, there = await builder.conversation(ada), await builder.conversation(ada)
    await participants.add_participant(builder.db, ada, here, bob, "member", builder.now)
    first, second, third = await _post(builder, ada, here, count=3)

    assert (first.limit.remaining, second.limit.remaining) == (1, 0)
    assert isinstance(third, RateLimited)
    assert third.state.retry_after_seconds == 1
    [elsewhere], [of_bob] = await _post(builder, ada, there), await _post(builder, bob, here)
    assert elsewhere.limit == of_bob.limit == first.limit
    [later] = await _post(builder, ada, here, at=0.2)
    assert later.events[0].number == of_bob.events[-1].number + 1


async def test_a_repeated_post_is_not_counted(builder: DatabaseBuilder) -> None:
    """A client that lost the response gets it again, also when the limit is reached."""
    ada = await builder.person("ada")
    here = await builder.conversation(ada)
    key = IdempotencyKey("key", b"x" * 32)
    [first] = await _post(builder, ada, here, key)
    await _post(builder, ada, here, count=5)
    [again] = await _post(builder, ada, here, key)

    assert (again.replayed, again.limit) == (True, None)
    assert again.posted == first.posted


async def test_a_post_that_is_refused_is_not_counted(builder: DatabaseBuilder) -> None:
    """Somebody outside of a conversation has no cell there; nothing shows that it exists."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    here = await builder.conversation(ada)
    refused = await _post(builder, eve, here, count=5)
    unknown = await _post(builder, eve, builder.id(), count=5)

    assert [str(error) for error in refused] == [str(error) for error in unknown]
