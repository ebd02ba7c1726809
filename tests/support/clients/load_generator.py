"""A load of posts that records which were acknowledged, and a server's metrics."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from tests.support.servers.in_process_server import HttpUser


class PostLoad:
    """Posts replies without a pause; a failed post is repeated with the same idempotency key."""

    def __init__(self, *people: HttpUser, root: str) -> None:
        self.acknowledged: set[str] = set()
        self.refused: list[httpx.Response] = []
        self._people = people
        self._path = f"/api/messages/{root}/reply"
        self._stop = False

    async def run(self, name: str) -> None:
        """Post until `stop`, as each user in turn."""
        count = attempts = 0
        while not self._stop:
            text = f"{name}-{count}"
            response = await self._post(self._people[attempts % len(self._people)], text)
            attempts += 1
            if response is not None and response.status_code == 201:
                self.acknowledged.add(text)
                count += 1
            else:
                self.refused += [] if response is None else [response]
                await asyncio.sleep(0.02)

    async def _post(self, person: HttpUser, text: str) -> httpx.Response | None:
        headers = {"X-CSRF-TOKEN": person.csrf, "Idempotency-Key": text}
        try:
            return await person.client.post(self._path, json={"content": text}, headers=headers)
        except httpx.TransportError:
            return None  # the server has stopped

    async def wait_for_more(self, count: int, seconds: float = 60) -> None:
        """Wait until `count` more posts are acknowledged."""
        target = len(self.acknowledged) + count
        async with asyncio.timeout(seconds):
            while len(self.acknowledged) < target:
                await asyncio.sleep(0.01)

    def stop(self) -> None:
        """Let every `run` task end."""
        self._stop = True


@asynccontextmanager
async def post_load(*people: HttpUser, root: str, names: str = "abcd") -> AsyncIterator[PostLoad]:
    """Post with one task for each name; all of them have ended after the block."""
    load = PostLoad(*people, root=root)
    tasks = [asyncio.create_task(load.run(name)) for name in names]
    try:
        yield load
    finally:
        load.stop()
        await asyncio.gather(*tasks)


async def texts(person: HttpUser, root: str) -> list[str]:
    """Return the contents of a thread's messages in tree order."""
    contents: list[str] = []
    query = "?limit=1000"
    while query:
        page: dict[str, Any] = await person.get(f"/api/threads/{root}/tree{query}")
        contents += [message["content"] for message in page["messages"]]
        cursor = page.get("next_cursor")
        query = f"?limit=1000&cursor_path={cursor}" if cursor else ""
    return contents


async def last_number(person: HttpUser, conversation_id: str) -> int:
    """Return the number of the last event of a conversation."""
    conversation = await person.get(f"/api/conversations/{conversation_id}")
    return int(conversation["last_event_id"].removeprefix("evt_"))


async def metric(client: httpx.AsyncClient, name: str) -> float:
    """Return the sum of the samples whose line starts with a name."""
    text = (await client.get("/metrics")).text
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def until_metric(
    client: httpx.AsyncClient, name: str, value: float, seconds: float = 60
) -> None:
    """Wait until a metric has a value."""
    async with asyncio.timeout(seconds):
        while await metric(client, name) != value:
            await asyncio.sleep(0.05)
