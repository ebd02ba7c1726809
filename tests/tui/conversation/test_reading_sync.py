"""Telling the server what was read."""

from uuid import UUID

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation
from tests.tui.conversation.live_client import LiveClient, live_client

from rustygpt_tui.conversation.reading_sync import ReadingSync
from rustygpt_tui.conversation.thread_loader import ThreadLoader


def _unread_thread() -> tuple[FakeConversation, UUID]:
    conversation = FakeConversation()
    return conversation, conversation.post(text="read before")


async def _sync(client: LiveClient, root: UUID) -> ReadingSync:
    loader = ThreadLoader(client.session)
    await loader.load_ahead(root)
    await loader.open_end(root)
    return ReadingSync(client.session)


async def test_the_mark_moves_over_what_was_seen() -> None:
    """It stops before the first message that was not, and the count has only that one."""
    conversation, root = _unread_thread()
    async with fake_chat_server(conversation) as chat:
        one, two, own, three = (
            conversation.post(root, text=text, author=author)
            for text, author in (("1", None), ("2", None), ("own", ME), ("3", None))
        )
        async with live_client(chat) as client:
            sync = await _sync(client, root)
            sync.see(root, [two, three])
            assert not sync.can_move(root)
            assert client.state.unread(root) == 1
            sync.see(root, [one])
            await sync.move(root)
            assert conversation.read_seqs[root] == conversation.messages[three].seq
            assert client.state.unread(root) == 0
            assert own in conversation.messages


async def test_a_thread_is_marked_as_read_and_as_unread() -> None:
    """Messages that were seen are unread again."""
    conversation, root = _unread_thread()
    async with fake_chat_server(conversation) as chat:
        first = conversation.post(root, text="1")
        conversation.post(root, text="2")
        async with live_client(chat) as client:
            sync = await _sync(client, root)
            await sync.mark_all(root)
            assert client.state.unread(root) == 0
            await sync.mark_unread(root, first)
            assert client.state.unread(root) == 2
            assert conversation.read_seqs[root] == 1


async def test_nothing_is_sent_when_nothing_was_seen() -> None:
    """The mark stays where it is."""
    conversation, root = _unread_thread()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        sync = await _sync(client, root)
        await sync.move(root)
        assert chat.http.request_count("POST", f"/api/threads/{root}/read") == 0
