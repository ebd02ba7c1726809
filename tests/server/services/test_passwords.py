"""Passwords are hashed slowly, and beside the event loop."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from rustygpt_server.errors import Unavailable
from rustygpt_server.services.passwords import (
    PENDING_MAX,
    PENDING_MAX_OF_CLIENT,
    HashCost,
    Passwords,
)
from rustygpt_server.telemetry import bind_client


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """A hasher with its threads."""
    passwords = Passwords(HashCost())
    yield passwords
    passwords.close()


async def test_a_hash_matches_its_password_only(passwords: Passwords) -> None:
    """Each hash has its own salt, and long passwords are not truncated."""
    long_password = "x" * 1_024
    stored = await passwords.hash(long_password)

    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert stored != await passwords.hash(long_password)
    assert await passwords.check(stored, long_password)
    assert not await passwords.check(stored, long_password[:-1])


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=1"])
async def test_no_password_matches_an_invalid_hash(
    passwords: Passwords, stored: str | None
) -> None:
    """Neither a missing one nor a damaged one."""
    assert not await passwords.check(stored, "a password of no account")


async def test_a_check_without_a_hash_takes_as_long(passwords: Passwords) -> None:
    """So timing does not reveal which accounts exist; measured as processor time of all threads."""
    stored = await passwords.hash("some password")
    await passwords.check(None, "warm up")

    async def seconds(stored_hash: str | None) -> float:
        started = time.process_time()
        await passwords.check(stored_hash, "wrong")
        return time.process_time() - started

    pairs = [(await seconds(None), await seconds(stored)) for _ in range(9)]
    without_account, with_account = (sorted(column)[4] for column in zip(*pairs, strict=True))
    assert 0.4 < without_account / with_account < 2.5


async def test_hashing_does_not_block_the_event_loop(passwords: Passwords) -> None:
    """Other tasks run meanwhile."""
    iterations = 0

    async def count() -> None:
        nonlocal iterations
        while True:
            iterations += 1
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    await asyncio.gather(*(passwords.hash("x") for _ in range(4)))
    counting.cancel()

    assert iterations > 10


def test_hashes_with_other_parameters_are_outdated(passwords: Passwords) -> None:
    """They are replaced at the next log-in."""
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"

    assert passwords.is_outdated(weak)


async def test_more_than_the_pending_passwords_are_refused_at_once(passwords: Passwords) -> None:
    """They raise Unavailable, and those that wait are hashed."""
    results = await asyncio.gather(
        *(passwords.hash("x") for _ in range(PENDING_MAX + 20)), return_exceptions=True
    )

    assert sum(isinstance(result, str) for result in results) == PENDING_MAX
    assert sum(isinstance(result, Unavailable) for result in results) == 20
    assert (await passwords.hash("x")).startswith("$argon2id$")


async def test_one_client_does_not_keep_the_others_out(passwords: Passwords) -> None:
    """All but a few of its passwords are refused; another client's is hashed."""

    async def hash_of(client: str) -> str:
        bind_client(client, client)
        return await passwords.hash("x")

    many = [asyncio.create_task(hash_of("one")) for _ in range(PENDING_MAX + 20)]
    other = asyncio.create_task(hash_of("other"))
    results = await asyncio.gather(*many, return_exceptions=True)

    assert sum(isinstance(result, str) for result in results) == PENDING_MAX_OF_CLIENT
    assert (await other).startswith("$argon2id$")
    assert (await asyncio.create_task(hash_of("one"))).startswith("$argon2id$")


async def test_the_passwords_of_cancelled_callers_are_not_hashed(passwords: Passwords) -> None:
    """Those that wait behind them are hashed after the few that were being hashed."""
    one = await _cpu_seconds_of_a_hash(passwords)
    started = time.process_time()
    cancelled = [asyncio.create_task(passwords.hash("x")) for _ in range(PENDING_MAX - 1)]
    waiting = asyncio.create_task(passwords.hash("x"))
    await asyncio.sleep(0)
    for task in cancelled:
        task.cancel()
    await waiting
    results = await asyncio.gather(*cancelled, return_exceptions=True)

    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert time.process_time() - started < one * PENDING_MAX / 2


async def _cpu_seconds_of_a_hash(passwords: Passwords) -> float:
    started = time.process_time()
    for _ in range(5):
        await passwords.hash("x")
    return (time.process_time() - started) / 5
