"""The session of a loaded conversation."""

from uuid import UUID

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, RecordedRequest, problem
from tests.support.wait import until
from tests.tui.conversation.live_client import live_client

from rustygpt_shared import events
from rustygpt_tui.conversation.thread_loader import ThreadLoader


async def test_changes_are_collected() -> None:
    """Many events in a short time are reported in a few calls."""
    async with fake_chat_server(FakeConversation()) as chat, live_client(chat) as client:
        root = chat.conversation.post(text="a thread")
        for number in range(50):
            chat.conversation.post(root, text=f"reply {number}")
        await until(lambda: _message_count(client.state.thread(root)) == 51)
        assert len(client.changes) < 20


def _message_count(thread: object) -> int:
    return getattr(thread, "message_count", 0)


async def test_the_list_of_threads_is_loaded_page_by_page() -> None:
    """Each call fetches one more page, until the last one."""
    conversation = FakeConversation(page_size=4)
    for number in range(10):
        conversation.post(text=f"thread {number}")
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        counts = []
        for _ in range(4):
            counts.append(len(client.state.threads))
            await client.session.load_more_threads()
        assert counts == [4, 8, 10, 10]


async def test_events_during_the_load_are_applied_after_it() -> None:
    """A thread that is started between two snapshots is in the state."""
    conversation = FakeConversation()
    started: list[UUID] = []
    async with fake_chat_server(conversation) as chat, live_client(chat, opened=False) as client:
        answer = chat.http.routes["GET", f"/api/conversations/{CONVERSATION_ID}/threads"]

        def late(request: RecordedRequest) -> FakeResponse:
            response = answer(request)
            started.append(conversation.post(text="meanwhile"))
            return response

        chat.http.on("GET", f"/api/conversations/{CONVERSATION_ID}/threads", late)
        await client.controller.open(CONVERSATION_ID).load()
        await until(lambda: client.state.thread(started[0]) is not None)


async def test_a_reconnect_names_the_loaded_conversation() -> None:
    """What was missed follows from its position, without another snapshot."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        position = conversation.position
        snapshots = chat.http.request_count("GET", f"/api/conversations/{CONVERSATION_ID}")
        chat.cut_streams()
        root = conversation.post(text="missed")
        await until(lambda: client.state.thread(root) is not None)
        request = [r for r in chat.http.requests if r.path == "/api/stream"][-1]
        assert request.query["positions"] == f"{CONVERSATION_ID}:{position}"
        assert chat.http.request_count("GET", f"/api/conversations/{CONVERSATION_ID}") == snapshots


async def test_after_a_reset_the_conversation_is_loaded_again() -> None:
    """Until the server answers, the attempts are repeated; threads are then fetched when shown."""
    conversation = FakeConversation()
    root = conversation.post(text="old")
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        await ThreadLoader(client.session).open_end(root)
        path = f"/api/conversations/{CONVERSATION_ID}"
        answer = chat.http.routes["GET", path]
        unavailable = problem(503, "RGP.UNAVAILABLE", "The database is away.")
        failures = [unavailable]
        chat.http.on("GET", path, lambda r: failures.pop() if failures else answer(r))
        sent = len(conversation.sent)
        conversation.rename("Coffee")
        del conversation.sent[sent:]
        reset = events.StreamResetPayload("too_far", conversation.position, CONVERSATION_ID)
        conversation.sent.append(events.StreamReset(reset))
        await until(lambda: client.state.info.title == "Coffee")
        assert client.session.position == conversation.position
        await until(lambda: any(root in changes.reloaded for _, changes in client.changes))


async def test_a_lost_stream_removes_typing_indicators() -> None:
    """Their ends would not arrive."""
    conversation = FakeConversation()
    root = conversation.post(text="thread")
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        typing = events.TypingUpdatePayload(CONVERSATION_ID, root, UUID(int=9), conversation.now())
        conversation.sent.append(events.TypingUpdate(typing))
        await until(lambda: bool(client.state.typing))
        chat.cut_streams()
        await until(lambda: not client.state.typing)
