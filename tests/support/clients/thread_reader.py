"""The terminal chat opening threads of a real server, with its requests counted and timed."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.support.database.bulk_threads import fill_thread
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.wait import until
from tests.tui.app_driver import AppDriver
from textual import events

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.client.http import connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.config import load_settings, session_file

_LOADING = {"thread", "more-above", "more-below", "quotes"}
"""The workers that fetch what a thread shows."""


@dataclass
class LargeThread:
    """A thread in a conversation of Ann and Bob; all but the root is by Bob."""

    conversation_id: str
    root: UUID
    ids: list[UUID]
    """All messages, in the order of `seq`."""

    @property
    def middle(self) -> UUID:
        """The message in the middle."""
        return self.ids[len(self.ids) // 2]

    async def read(self, ann: HttpUser, until: UUID | None = None) -> None:
        """Mark the thread as read for Ann, up to a message that stays unread, or all of it."""
        await ann.post(f"/api/threads/{self.root}/read", {})
        if until is not None:
            await ann.post(f"/api/threads/{self.root}/unread", {"message_id": str(until)})


@dataclass
class Traffic:
    """The requests for threads and their messages, and the bytes of the responses."""

    requests: list[str] = field(default_factory=list)
    bytes: int = 0

    async def on_response(self, response: httpx.Response) -> None:
        """Count a response."""
        path = response.request.url.path
        if path.startswith(("/api/threads/", "/api/messages/")):
            self.requests.append(f"{response.request.method} {path}")
            self.bytes += int(response.headers["content-length"])


@dataclass(frozen=True)
class Opening:
    """What opening a thread took."""

    milliseconds: float
    """From the request to the painted window."""
    requests: tuple[str, ...]
    """Method and path of each."""
    bytes: int
    messages: int
    """Messages in memory afterwards."""


class ThreadReader:
    """Ann's terminal, in which a small conversation is open."""

    def __init__(self, driver: AppDriver) -> None:
        self.driver = driver
        self.traffic = Traffic()
        client: Any = driver.main.controller.client
        client._http().event_hooks["response"].append(self.traffic.on_response)

    @property
    def transcript(self) -> Any:
        """The messages of the open thread."""
        return self.driver.main.thread_pane.transcript

    async def open(self, thread: LargeThread, at: UUID | None = None) -> Opening:
        """Open a thread of the open conversation: at a message, or where the program opens it."""
        pane = self.driver.main.thread_pane
        session = self.driver.main.controller.loaded_session
        assert session is not None
        self.traffic.requests.clear()
        self.traffic.bytes = 0
        began = time.perf_counter()
        pane.show_thread(session, thread.root, at)
        await until(lambda: not pane.is_loading and bool(pane.transcript.entries))
        await self.painted()
        milliseconds = (time.perf_counter() - began) * 1e3
        await self.settled()
        loaded = session.loaded_state.trees[thread.root]
        requests = tuple(self.traffic.requests)
        return Opening(milliseconds, requests, self.traffic.bytes, sum(1 for _ in loaded))

    async def painted(self) -> None:
        """Wait until the screen shows the present state."""
        refreshed = asyncio.Event()
        self.driver.app.screen.call_after_refresh(refreshed.set)
        await refreshed.wait()

    async def settled(self) -> None:
        """Wait until what is on screen asks for no further messages."""
        quiet = 0
        while quiet < 3:
            await self.driver.pilot.pause()
            busy = any(
                worker.group in _LOADING and not worker.is_finished
                for worker in self.driver.app.workers
            )
            quiet = 0 if busy else quiet + 1

    async def type_key(self) -> float:
        """Type a character into the composer; return the milliseconds until it is painted."""
        composer = self.driver.main.thread_pane.composer
        composer.focus()
        before = len(composer.text)
        began = time.perf_counter()
        self.driver.app.post_message(events.Key("a", "a"))
        while len(composer.text) == before:
            await asyncio.sleep(0)
        await self.painted()
        return (time.perf_counter() - began) * 1e3

    async def page_up(self) -> float:
        """Scroll up by a page; return the milliseconds until it is painted, loading included."""
        before = (self.transcript.anchor_id, self.transcript.scroll_offset.y)
        began = time.perf_counter()
        self.transcript.action_page(-1)
        async with asyncio.timeout(60):
            while (self.transcript.anchor_id, self.transcript.scroll_offset.y) == before:
                await asyncio.sleep(0)
                self.transcript.action_page(-1)
        await self.painted()
        return (time.perf_counter() - began) * 1e3


async def large_threads(
    server: RunningServer, connection: Any, sizes: tuple[int, ...]
) -> list[LargeThread]:
    """Create a conversation of Ann and Bob with a thread of each size, and a small one on top."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob, title="Large threads")
    threads = []
    for size in sizes:
        root = UUID(await ann.root(conversation_id, f"a thread of {size} messages"))
        ids = await fill_thread(connection, root, bob.id, size - 1)
        threads.append(LargeThread(conversation_id, root, [root, *ids]))
        await threads[-1].read(ann)
    # Its message is unread, so it is opened before the others.
    await bob.root(conversation_id, "the thread that is open at first")
    return threads


async def sign_in(server_url: str) -> None:
    """Store a session of Ann's where the terminals find it."""
    file = SessionFile(session_file(load_settings()))
    async with connect(server_url, Session(server_url, file=file)) as client:
        await client.log_in("ann", PASSWORD)


@asynccontextmanager
async def thread_reader(
    server_url: str, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[ThreadReader]:
    """Run Ann's terminal with the newest conversation open and its stream live."""
    app = RustyGPT(load_settings(), server=server_url, account=None, local=False)
    try:
        async with app.run_test(size=size) as pilot:
            driver = AppDriver(app, pilot)
            await driver.until("● live")
            await driver.until(lambda: not driver.is_loading)
            reader = ThreadReader(driver)
            await reader.settled()
            yield reader
    finally:
        await app.aclose()


@contextmanager
def terminal_folders(folder: Path) -> Iterator[None]:
    """Keep the terminal's files in a folder within the block."""
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            patch.setenv(f"RUSTYGPT_{kind}_DIR", str(folder / kind.lower()))
        yield
