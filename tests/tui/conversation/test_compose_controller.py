"""Writing in a thread: drafts, replies, sending and retrying, without a screen."""

from uuid import UUID

from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME
from tests.support.fakes.fake_http_server import FakeResponse, fake_http_server, problem

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.session import ConversationSession

ROOT = UUID(int=1)
OTHER_ROOT = UUID(int=2)
MESSAGE = UUID(int=3)


class FakeView:
    """A text field in memory, and a record of what the controller reported."""

    def __init__(self) -> None:
        self.composed_text = ""
        self.accepts_text = True
        self.redraws = 0
        self.errors: list[str] = []
        self.new_threads: list[UUID] = []

    def set_composed_text(self, text: str) -> None:
        self.composed_text = text

    def redraw_chrome(self) -> None:
        self.redraws += 1

    def redraw_pending(self) -> None:
        self.redraws += 1

    def notify_error(self, text: str) -> None:
        self.errors.append(text)

    def announce_thread(self, root_id: UUID) -> None:
        self.new_threads.append(root_id)


def _controller(client: Client, view: FakeView) -> ComposeController:
    return ComposeController(client, AccountDrafts(None, client.origin, "me"), view)


def _conversation(client: Client) -> ConversationSession:
    return ConversationSession(
        client, CONVERSATION_ID, ME, on_changes=lambda _: None, on_connection=lambda _: None
    )


async def test_a_draft_is_restored_with_its_thread() -> None:
    """Opening another thread saves the text of the one before."""
    view = FakeView()
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _controller(client, view)
        conversation = _conversation(client)
        controller.open(conversation, ROOT)
        view.composed_text = "half a thought"
        controller.open(conversation, OTHER_ROOT)
        controller.restore_draft()
        assert view.composed_text == ""
        controller.open(conversation, ROOT)
        controller.restore_draft()
        assert view.composed_text == "half a thought"


async def test_a_text_without_a_conversation_is_put_back() -> None:
    """There is nothing to send it to."""
    view = FakeView()
    async with Client(Session("http://127.0.0.1:1")) as client:
        assert _controller(client, view).submit("text") is None
        assert view.composed_text == "text"


async def test_an_unchanged_text_is_retried_with_the_same_key() -> None:
    """A changed text, or another reply target, is another message."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{ROOT}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _controller(client, view)
        controller.open(_conversation(client), ROOT)
        message = controller.submit("text")
        assert message is not None
        await controller.send(message)
        assert controller.failure == "Not sent: No. Enter tries again."
        assert view.composed_text == "text"
        assert controller.submit("text") is message
        await controller.send(message)
        assert controller.submit("another text") is not message
        await controller.send(message)
        controller.start_reply(MESSAGE)
        assert controller.submit("text") is not message


async def test_text_typed_while_sending_follows_the_returned_text() -> None:
    """After a failure, nothing that was typed is lost, and the reply target is restored."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{MESSAGE}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _controller(client, view)
        controller.open(_conversation(client), ROOT)
        controller.start_reply(MESSAGE)
        message = controller.submit("first")
        assert message is not None
        assert controller.reply_to is None
        view.composed_text = "second"
        await controller.send(message)
        assert view.composed_text == "first\n\nsecond"
        assert controller.reply_to == MESSAGE
        assert controller.cancel_reply()
        assert not controller.cancel_reply()


async def test_a_failure_in_another_thread_is_a_notification() -> None:
    """The text becomes the draft of its thread, and the open thread is not changed."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{ROOT}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _controller(client, view)
        conversation = _conversation(client)
        controller.open(conversation, ROOT)
        message = controller.submit("text")
        assert message is not None
        controller.open(conversation, OTHER_ROOT)
        await controller.send(message)
        assert view.errors == ["A message was not sent: No."]
        assert (view.composed_text, controller.failure) == ("", "")
        controller.open(conversation, ROOT)
        controller.restore_draft()
        assert view.composed_text == "text"


async def test_a_new_thread_is_announced_while_it_is_open() -> None:
    """Its draft is deleted once the message is sent."""
    view = FakeView()
    posted = PostedMessage(ROOT, ROOT, CONVERSATION_ID, 1, None)
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/threads/{CONVERSATION_ID}/root", FakeResponse(201, posted))
        controller = _controller(client, view)
        controller.open(_conversation(client), None)
        view.composed_text = "a topic"
        assert controller.on_typed() is None
        message = controller.submit("a topic")
        assert message is not None
        view.composed_text = ""
        await controller.send(message)
        assert view.new_threads == [ROOT]
        controller.restore_draft()
        assert view.composed_text == ""


async def test_typing_is_reported_for_an_edited_text_only() -> None:
    """A text that equals the draft is not reported."""
    view = FakeView()
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _controller(client, view)
        controller.open(_conversation(client), ROOT)
        assert controller.on_typed() is None
        view.composed_text = "t"
        assert controller.on_typed() == 10
        assert controller.on_typed() is None
        view.composed_text = ""
        assert controller.on_typed() == 0
