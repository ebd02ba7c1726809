"""Waiting for a condition that takes a request to check."""

import asyncio
from collections.abc import Awaitable, Callable


async def until_async(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Return when the condition is true; raise TimeoutError when it is not within the time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)
