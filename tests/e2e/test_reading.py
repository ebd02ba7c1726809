"""Read is what was seen, with a real server: two devices of one user, and three people who post."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer
from tests.support.wait import until

from rustygpt_tui.client.feed import Live
from rustygpt_tui.client.http import connect
from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.conversation.reading_sync import ReadingSync
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.thread_loader import ThreadLoader
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.store.reading import Reading

pytestmark = pytest.mark.slow

ROUNDS = 12


class Device:
    """A terminal of a user without a screen: what is seen is said by the test."""

    def __init__(self, session: ConversationSession) -> None:
        self.session = session
        self.loader = ThreadLoader(session)
        self.sync = ReadingSync(session)
        self.seen: set[UUID] = set()

    def reading(self, root: UUID) -> Reading:
        """Return what is read of a thread."""
        return self.sync.reading(root)

    async def load(self, root: UUID) -> None:
        """Load the thread, and all messages above the mark."""
        await self.loader.open_end(root)
        while not self.reading(root).is_complete:
            await self.loader.load_ahead(root)

    async def see(self, root: UUID, chance: random.Random) -> None:
        """See some of the unread messages, and move the mark."""
        unseen = [m.id for m in self.reading(root).unseen]
        shown = chance.sample(unseen, len(unseen) // 2)
        self.seen.update(shown)
        self.sync.see(root, shown)
        await self.sync.move(root)

    def forget_from(self, root: UUID, seq: int) -> None:
        """Note that messages are unread again."""
        tree = self.session.loaded_state.trees[root]
        self.seen -= {m.id for m in tree if m.seq >= seq}


@asynccontextmanager
async def _device(
    server: InProcessServer, name: str, conversation_id: UUID
) -> AsyncIterator[Device]:
    """Sign in on another device, and follow the conversation."""
    connections: list[object] = []
    async with connect(server.url) as client:
        user = (await client.log_in(name, PASSWORD)).user
        controller = ConversationController(
            client,
            user,
            timing=Timing(),
            on_changes=lambda _, __: None,
            on_list=lambda: None,
            on_connection=connections.append,
            on_signed_out=lambda _: None,
        )
        following = asyncio.create_task(controller.follow())
        await until(lambda: any(isinstance(c, Live) for c in connections))
        session = controller.open(conversation_id)
        await session.load()
        yield Device(session)
        controller.stop()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_what_is_unread_is_what_was_never_seen(server: InProcessServer, seed: int) -> None:
    """On the device that reads, on the server, and on another device of the same user."""
    chance = random.Random(seed)
    people = [await server.person(name) for name in ("ann", "bob", "cid")]
    ann = people[0]
    conversation_id = await ann.group(*people[1:])
    messages = [await ann.root(conversation_id, "root")]
    root = UUID(messages[0])
    async with (
        _device(server, "ann", UUID(conversation_id)) as laptop,
        _device(server, "ann", UUID(conversation_id)) as phone,
    ):
        await laptop.load(root)
        await phone.load(root)
        for _ in range(ROUNDS):
            for _ in range(chance.randrange(3)):
                messages.append(await chance.choice(people).reply(chance.choice(messages)))
            server.clock.advance(2)
            await _receive_all(ann, laptop, phone)
            await laptop.see(root, chance)
            if chance.random() < 0.2:
                unread = UUID(chance.choice(messages))
                message = laptop.session.loaded_state.message(unread)
                assert message is not None
                await until(lambda: phone.reading(root).read_seq == laptop.reading(root).read_seq)
                if message.seq <= laptop.reading(root).read_seq:  # else nothing moves
                    laptop.forget_from(root, message.seq)
                await phone.sync.mark_unread(root, unread)
            await _check(ann, laptop, phone, root)


async def _receive_all(ann: HttpUser, laptop: Device, phone: Device) -> None:
    """Wait until both devices have all events."""
    shown = await ann.get(f"/api/conversations/{laptop.session.id}")
    position = shown["last_event_id"]
    await until(lambda: laptop.session.position == phone.session.position == position)


async def _check(ann: HttpUser, laptop: Device, phone: Device, root: UUID) -> None:
    """Compare both devices with the server and with what was seen."""
    conversation_id = laptop.session.id
    listed = await ann.get(f"/api/conversations/{conversation_id}/unread")
    on_server = {thread["root_id"]: thread for thread in listed["threads"]}.get(str(root))
    if on_server:
        mark = on_server["read_seq"]
        await until(lambda: laptop.reading(root).read_seq == phone.reading(root).read_seq == mark)
    await laptop.load(root)
    await phone.load(root)
    tree = laptop.session.loaded_state.trees[root]
    mark = laptop.reading(root).read_seq
    others = [m for m in tree if m.seq > mark and m.author_user_id != ann.id]
    assert len(others) == (on_server["unread"] if on_server else 0)
    assert {m.id for m in laptop.reading(root).unseen} == {m.id for m in others} - laptop.seen
    assert all(m.id in laptop.seen for m in tree if m.seq <= mark and m.author_user_id != ann.id)
    await until(lambda: phone.reading(root).count == len(others))
