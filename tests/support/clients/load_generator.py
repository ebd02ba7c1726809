"""Writers that never pause and note what was acknowledged, and what a server says of itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.support.servers.in_process_server import HttpUser


class PostLoad:
    """Posts replies without pause; one that fails is tried again with the same key."""

    def __init__(self, *people: HttpUser, root: str) -> None:
        self.acknowledged: set[str] = set()
        self.refused: list[httpx.Response] = []
        self._people = people
        self._path = f"/api/messages/{root}/reply"
        self._stop = False

    async def run(self, name: str) -> None:
        """Post until told to stop, with each person in turn."""
        count = tries = 0
        while not self._stop:
            text = f"{name}-{count}"
            answer = await self._post(self._people[tries % len(self._people)], text)
            tries += 1
            if answer is not None and answer.status_code == 201:
                self.acknowledged.add(text)
                count += 1
            else:
                self.refused += [] if answer is None else [answer]
                await asyncio.sleep(0.02)

    async def _post(self, person: HttpUser, text: str) -> httpx.Response | None:
        headers = {"X-CSRF-TOKEN": person.csrf, "Idempotency-Key": text}
        try:
            return await person.client.post(self._path, json={"content": text}, headers=headers)
        except httpx.TransportError:
            return None  # the server is gone

    async def wait_for_more(self, count: int, seconds: float = 30) -> None:
        """Wait until so many more posts were acknowledged."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(seconds):
            while len(self.acknowledged) < wanted:
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Let every task of `run` come to its end."""
        self._stop = True


@asynccontextmanager
async def post_load(*people: HttpUser, root: str, names: str = "abcd") -> AsyncIterator[PostLoad]:
    """A writer with a task for each name; it has stopped when the block ends."""
    writer = PostLoad(*people, root=root)
    tasks = [asyncio.create_task(writer.run(name)) for name in names]
    try:
        yield writer
    finally:
        writer.stop()
        await asyncio.gather(*tasks)


async def texts(person: HttpUser, root: str) -> list[str]:
    """The contents of a thread's messages, as the tree has them."""
    found: list[str] = []
    query = "?limit=1000"
    while query:
        page: dict[str, Any] = await person.get(f"/api/threads/{root}/tree{query}")
        found += [message["content"] for message in page["messages"]]
        cursor = page.get("next_cursor")
        query = f"?limit=1000&cursor_path={cursor}" if cursor else ""
    return found


async def last_number(person: HttpUser, conversation_id: str) -> int:
    """How far a conversation's log goes."""
    shown = await person.get(f"/api/conversations/{conversation_id}")
    return int(shown["last_event_id"].removeprefix("evt_"))


async def metric(client: httpx.AsyncClient, name: str) -> float:
    """The sum of the samples whose line starts with a name."""
    text = (await client.get("/metrics")).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def until_metric(
    client: httpx.AsyncClient, name: str, value: float, seconds: float = 15
) -> None:
    """Wait until a metric has a value."""
    async with asyncio.timeout(seconds):
        while await metric(client, name) != value:
            await asyncio.sleep(0.05)
