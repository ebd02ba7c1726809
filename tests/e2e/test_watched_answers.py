"""An answer is the server's: clients come and go while it is generated, and all see the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.database import databases
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import server_process
from tests.support.streams.raw_streams import RawStream, open_stream

pytestmark = pytest.mark.slow

PARTS = [f"part {number} 🦀\n" for number in range(6)]


@dataclass
class Watched:
    """Ann at two servers, and a model that sends each of PARTS when its event is set."""

    ann: HttpUser
    there: HttpUser
    model: FakeModelServer
    steps: list[asyncio.Event]
    conversation_id: str

    async def ask(self) -> str:
        """Post a question; return the id of its answer."""
        path = f"/api/threads/{self.conversation_id}/root"
        posted = await self.ann.post(path, {"content": "Well?"}, expect=201)
        return str(posted["answer_id"])


@pytest.fixture
async def watched(tmp_path: Path, cluster_url: str) -> AsyncIterator[Watched]:
    """Two servers on one database."""
    steps = [asyncio.Event() for _ in PARTS]
    script: list[Any] = []
    for part, step in zip(PARTS, steps, strict=True):
        script += [step, chunk(part)]
    url = await databases.create(cluster_url)
    async with AsyncExitStack() as stack:
        model = await stack.enter_async_context(
            fake_model_server(ScriptedAnswer([*script, finished()]))
        )
        more = {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "k",
            "RUSTYGPT_PROFILE": "test",
        }
        sites = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            running = server_process(tmp_path / name, url, **more)
            sites.append(RunningServer((await stack.enter_async_context(running)).url))
            stack.push_async_callback(sites[-1].close)
        ann, there = await sites[0].person("ann"), await sites[1].sign_in("ann")
        conversation_id = await ann.conversation(assistant_mode="always")
        yield Watched(ann, there, model, steps, conversation_id)
        for step in steps:
            step.set()
    await databases.drop(cluster_url, url)


@dataclass
class Watcher:
    """A client that assembles the answer from all streams that it opens one after the other."""

    watched: Watched
    stream: RawStream
    text: str = ""
    last_event_id: str | None = None
    ended: dict[str, Any] | None = None
    _read: int = field(default=0)

    async def until(self, text: str) -> None:
        """Wait until the answer has a text."""
        async with asyncio.timeout(60):
            while text not in self.text:
                self._apply()
                await asyncio.sleep(0.01)

    async def finish(self) -> None:
        """Wait for the end of the answer."""
        async with asyncio.timeout(60):
            while self.ended is None:
                self._apply()
                await asyncio.sleep(0.01)

    async def come_back(self, person: HttpUser) -> None:
        """Open a stream after the last event."""
        conversation_id = self.watched.conversation_id
        self.stream = await open_stream(person, conversation_id, self.last_event_id)
        self._read = 0

    def _apply(self) -> None:
        for event in self.stream.events[self._read :]:
            self._read += 1
            self.last_event_id = event.get("id", self.last_event_id)
            payload = event["payload"]
            if event["type"] == "message.delta":
                assert payload["offset"] <= len(self.text), "a part is missing"
                content = payload["choices"][0]["delta"].get("content", "")
                self.text += content[len(self.text) - payload["offset"] :]
            elif event["type"] == "message.done":
                self.ended = payload


async def test_clients_that_drop_and_return_see_the_whole_answer(watched: Watched) -> None:
    """Of three, two break off in the middle and come back at the other server."""
    conversation_id = watched.conversation_id
    stays, drops, far = [
        Watcher(watched, await open_stream(person, conversation_id))
        for person in (watched.ann, watched.ann, watched.there)
    ]
    for watcher in (stays, drops, far):
        await watcher.stream.until("stream.open")
    answer_id = await watched.ask()
    watched.steps[0].set()
    for watcher in (stays, drops, far):
        await watcher.until("part 0")
    drops.stream.abort()
    watched.steps[1].set()
    await far.until("part 1")
    far.stream.abort()
    watched.steps[2].set()
    await stays.until("part 2")
    await drops.come_back(watched.there)
    await drops.until("part 2")
    watched.steps[3].set()
    await drops.until("part 3")
    await far.come_back(watched.ann)
    for step in watched.steps:
        step.set()
    for watcher in (stays, drops, far):
        await watcher.finish()
    shown = await watched.there.get(f"/api/messages/{answer_id}")
    for watcher in (stays, drops, far):
        await watcher.stream.close()

    assert shown["content"] == "".join(PARTS)
    assert {watcher.text for watcher in (stays, drops, far)} == {"".join(PARTS)}
    assert [one.ended and one.ended["finish_reason"] for one in (stays, drops, far)] == ["stop"] * 3


async def test_an_answer_goes_on_when_everybody_has_left(watched: Watched) -> None:
    """It is complete when they return; the model was asked once."""
    alone = Watcher(watched, await open_stream(watched.ann, watched.conversation_id))
    await alone.stream.until("stream.open")
    answer_id = await watched.ask()
    watched.steps[0].set()
    await alone.until("part 0")
    alone.stream.abort()
    for step in watched.steps:
        step.set()
    async with asyncio.timeout(60):
        while (message := await watched.there.get(f"/api/messages/{answer_id}")).get("streaming"):
            await asyncio.sleep(0.05)

    assert (message["content"], message["finish_reason"]) == ("".join(PARTS), "stop")
    assert len(watched.model.requests) == 1
