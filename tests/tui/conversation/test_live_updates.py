"""One stream for all conversations: the list, and conversations that are not loaded."""

from uuid import UUID

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.support.fakes.fake_http_server import problem
from tests.support.wait import until
from tests.tui.conversation.live_client import LiveClient, live_client

from rustygpt_shared import events
from rustygpt_tui.client.feed import Connecting, Disconnected, Live


def _row(client: LiveClient) -> tuple[str, int, str | None]:
    (row,) = client.controller.conversations
    return row.title, row.unread, row.last_message_excerpt


async def test_a_conversation_that_is_not_loaded_is_current_in_the_list() -> None:
    """Its title, its latest message and its unread count."""
    conversation = FakeConversation()
    root = conversation.post(text="thread")
    async with fake_chat_server(conversation) as chat, live_client(chat, opened=False) as client:
        await until(lambda: bool(client.controller.conversations))
        conversation.post(root, text="news")
        conversation.rename("Coffee")
        await until(lambda: _row(client) == ("Coffee", 1, "news"))
        assert client.controller.session is None


async def test_a_mark_that_moved_elsewhere_changes_the_count_of_the_list() -> None:
    """The counts by thread are fetched once, and are then kept by events."""
    conversation = FakeConversation()
    first = conversation.post(text="one")
    second = conversation.post(text="two")
    unread_path = f"/api/conversations/{CONVERSATION_ID}/unread"
    async with fake_chat_server(conversation) as chat, live_client(chat, opened=False) as client:
        await until(lambda: bool(client.controller.conversations))
        for root in (first, first, second):
            conversation.post(root, text="x")
        await until(lambda: _row(client)[1] == 3)
        conversation.mark_read(first, None)
        await until(lambda: _row(client)[1] == 1)
        conversation.post(second, text="x")
        conversation.mark_read(second, None)
        await until(lambda: _row(client)[1] == 0)
        assert chat.http.request_count("GET", unread_path) == 1


async def test_the_connection_is_reported_from_the_first_moment() -> None:
    """A stream that ends is opened again, and the list is fetched again."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, live_client(chat, opened=False) as client:
        assert isinstance(client.connections[0], Connecting)
        lists = chat.http.request_count("GET", "/api/conversations")
        chat.cut_streams()
        await until(lambda: client.live_count == 2)
        kinds = [type(connection) for connection in client.connections]
        assert kinds == [Connecting, Live, Disconnected, Connecting, Live]
        await until(lambda: chat.http.request_count("GET", "/api/conversations") > lists)


async def test_a_conversation_that_was_left_disappears() -> None:
    """From the list, and from the screen if it is open."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        await until(lambda: bool(client.controller.conversations))
        conversation.remove(ME)
        await until(lambda: not client.controller.conversations)
        assert client.state.left


async def test_a_reset_for_a_removal_ends_the_session() -> None:
    """The event of the removal itself may be missing."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        reset = events.StreamResetPayload("removed", "evt_0", CONVERSATION_ID)
        conversation.sent.append(events.StreamReset(reset))
        await until(lambda: client.state.left)


async def test_an_event_of_an_unknown_conversation_fetches_the_list() -> None:
    """Once, however many events follow."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, live_client(chat, opened=False) as client:
        await until(lambda: bool(client.controller.conversations))
        await until(lambda: chat.http.request_count("GET", "/api/conversations") > 0)
        before = chat.http.request_count("GET", "/api/conversations")
        for number in range(1, 4):
            payload = events.MessageDonePayload(UUID(int=1), UUID(int=2), UUID(int=99), "stop", 1)
            conversation.sent.append(events.MessageDone(payload, id=f"evt_{number}"))
        await until(lambda: chat.http.request_count("GET", "/api/conversations") > before)
        conversation.rename("later")
        await until(lambda: _row(client)[0] == "later")
        assert chat.http.request_count("GET", "/api/conversations") == before + 1


async def test_a_conversation_that_is_gone_after_a_reconnect_is_left() -> None:
    """No event of the removal arrives, for example from a restored database."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        gone = problem(404, "RGP.NOT_FOUND", "There is no such conversation.")
        chat.http.on("GET", f"/api/conversations/{CONVERSATION_ID}/presence", gone)
        chat.cut_streams()
        await until(lambda: client.state.left)
