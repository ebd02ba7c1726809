"""Waiting for a condition."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Return when the condition is true; raise TimeoutError when it is not within the time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
