"""Passwords: hashed slowly, off the event loop."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from rustygpt_server.services.passwords import Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """What hashes, with its threads."""
    made = Passwords()
    yield made
    made.close()


async def test_a_hash_fits_its_password_only(passwords: Passwords) -> None:
    """Each has a salt of its own, and nothing is cut off a long one."""
    long = "x" * 1_024
    stored = await passwords.hash(long)

    assert stored.startswith("$argon2id$")
    assert stored != await passwords.hash(long)
    assert await passwords.check(stored, long)
    assert not await passwords.check(stored, long[:-1])


@pytest.mark.parametrize("stored", [None, "", "nonsense", "$argon2id$v=19$m=1"])
async def test_what_is_no_hash_never_fits(passwords: Passwords, stored: str | None) -> None:
    """Neither nobody's nor a broken one."""
    assert not await passwords.check(stored, "nobody has this password")


async def test_nobody_takes_as_long_as_somebody(passwords: Passwords) -> None:
    """So that time does not tell who has an account."""
    stored = await passwords.hash("some password")
    await passwords.check(None, "warm")

    async def seconds(of: str | None) -> float:
        spans = []
        for _ in range(7):
            started = time.perf_counter()
            await passwords.check(of, "wrong")
            spans.append(time.perf_counter() - started)
        return sorted(spans)[3]

    nobody, somebody = await seconds(None), await seconds(stored)
    assert 0.4 < nobody / somebody < 2.5


async def test_the_loop_goes_on_while_passwords_are_hashed(passwords: Passwords) -> None:
    """Others are served meanwhile."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.001)

    serving = asyncio.create_task(others())
    await asyncio.gather(*(passwords.hash("x") for _ in range(4)))
    serving.cancel()

    assert turns > 10


def test_hashes_of_other_parameters_are_outdated(passwords: Passwords) -> None:
    """They are made anew at the next login."""
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNoaGFzaA"

    assert passwords.is_outdated(weak)
