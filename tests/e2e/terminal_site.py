"""Ann and Bob at real terminals: a server, a scripted model, and second clients over REST."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.clients.tmux import TmuxTerminal, tmux_terminal
from tests.support.database import databases
from tests.support.database.bulk_threads import fill_thread
from tests.support.fakes.fake_model_server import FakeModelServer, answer, fake_model_server
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import ServerProcess, server_process

from rustygpt_tui.client.http import connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile

WIDE = (120, 40)
MEDIUM = (80, 24)
NARROW = (60, 20)


@dataclass
class TerminalSite:
    """A running server; Ann is an owner of the groups, Bob a member."""

    server: ServerProcess
    model: FakeModelServer
    ann: HttpUser
    bob: HttpUser
    folder: Path
    database_url: str

    @contextmanager
    def terminal(self, name: str, size: tuple[int, int] = WIDE) -> Iterator[TmuxTerminal]:
        """Run a user's program; `sign_in` comes before."""
        with tmux_terminal(self.folder / name, self.server.url, size) as terminal:
            yield terminal

    async def sign_in(self, name: str) -> None:
        """Store a session for a user's terminals."""
        (self.folder / name).mkdir()
        file = SessionFile(self.folder / name / "session.cookies")
        async with connect(self.server.url, Session(self.server.url, file=file)) as client:
            await client.log_in(name, PASSWORD)

    async def messages(self, root: str) -> list[dict[str, Any]]:
        """Return the first thousand messages of a thread in the order of their paths."""
        page = await self.ann.get(f"/api/threads/{root}/tree?limit=1000")
        return list(page["messages"])

    async def unread(self, conversation_id: str) -> int:
        """Return Ann's unread messages in a conversation, as another client of hers sees them."""
        listed = await self.ann.get(f"/api/conversations/{conversation_id}/unread")
        return sum(thread["unread"] for thread in listed["threads"])

    async def fill(self, root: str, count: int) -> list[str]:
        """Add Bob's messages to a thread; return their ids in the order of `seq`."""
        async with databases.connected(self.database_url) as connection:
            ids = await fill_thread(connection, UUID(root), self.bob.id, count)
        return [str(id_) for id_ in ids]


@asynccontextmanager
async def terminal_site(folder: Path, cluster_url: str) -> AsyncIterator[TerminalSite]:
    """Run a server whose model answers each request with its number."""
    database_url = await databases.create(cluster_url)
    answers = [answer(f"answer {number}") for number in range(1, 100)]
    async with fake_model_server(*answers) as model:
        more = {
            "OPENAI_BASE_URL": model.url,
            "OPENAI_API_KEY": "k",
            "RUSTYGPT_PROFILE": "test",
            "RUSTYGPT__SSE__HEARTBEAT_SECONDS": "1",
        }
        async with server_process(folder, database_url, **more) as server:
            running = RunningServer(server.url)
            ann, bob = await running.person("ann"), await running.person("bob")
            site = TerminalSite(server, model, ann, bob, folder, database_url)
            for name in ("ann", "bob"):
                await site.sign_in(name)
            yield site
            await running.close()
    await databases.drop(cluster_url, database_url)
