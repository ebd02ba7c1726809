"""Writing in a thread: drafts, replies, sending and retrying, without a screen."""

from pathlib import Path
from uuid import UUID

from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, fake_http_server, problem

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.message_extras import MessageExtras
from rustygpt_tui.conversation.message_sender import PendingMessage, Target
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.store.attachment import Attachment
from rustygpt_tui.store.drafts import Drafts
from rustygpt_tui.store.load import load, with_tree

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
        self.started: list[PendingMessage] = []

    def set_composed_text(self, text: str) -> None:
        self.composed_text = text

    def redraw_chrome(self) -> None:
        self.redraws += 1

    def redraw_pending(self) -> None:
        self.redraws += 1

    def notify_error(self, text: str) -> None:
        self.errors.append(text)

    def start_sending(self, message: PendingMessage) -> None:
        self.started.append(message)

    def announce_thread(self, root_id: UUID) -> None:
        self.new_threads.append(root_id)


def _controller(
    client: Client, view: FakeView, drafts: AccountDrafts | None = None
) -> ComposeController:
    return ComposeController(client, drafts or AccountDrafts(None, client.origin, "me"), view)


def _conversation(client: Client) -> ConversationSession:
    return ConversationSession(client, CONVERSATION_ID, ME, on_changes=lambda _: None)


def _opened(
    client: Client, view: FakeView, drafts: AccountDrafts | None = None
) -> ComposeController:
    """Return a controller of a thread whose last message is in view."""
    controller = _controller(client, view, drafts)
    controller.open(_conversation(client), ROOT)
    controller.show_target_in_view(ROOT)
    return controller


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
        assert _controller(client, view).submit("text") == []
        assert view.composed_text == "text"


async def test_nothing_is_sent_before_the_thread_is_loaded() -> None:
    """There is no message to reply to yet; the text stays."""
    view = FakeView()
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _controller(client, view)
        controller.open(_conversation(client), ROOT)
        assert controller.submit("text") == []
        assert view.composed_text == "text"
        assert "still loading" in controller.failure


async def test_the_target_follows_the_view_until_something_is_written() -> None:
    """From then on only the user changes it; a newer message is offered."""
    view = FakeView()
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _opened(client, view)
        assert controller.target == Target(ROOT)
        controller.show_target_in_view(MESSAGE)
        assert (controller.target, controller.has_newer) == (Target(MESSAGE), False)
        view.composed_text = "I think"
        controller.on_typed()
        controller.show_target_in_view(OTHER_ROOT)
        assert (controller.target, controller.has_newer) == (Target(MESSAGE), True)
        assert controller.choose_newer()
        assert controller.target == Target(OTHER_ROOT)
        assert not controller.choose_newer()
        controller.show_target_in_view(None)
        assert controller.target == Target(OTHER_ROOT)
        controller.show_target_in_view(MESSAGE)
        view.composed_text = ""
        controller.on_typed()
        assert controller.target == Target(MESSAGE)


async def test_a_selected_target_stays_until_it_is_sent_or_given_up() -> None:
    """Neither an event nor an empty text changes it."""
    view = FakeView()
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _opened(client, view)
        controller.choose_target(MESSAGE)
        controller.show_target_in_view(OTHER_ROOT)
        controller.on_typed()
        assert controller.target == Target(MESSAGE, is_chosen=True)
        assert controller.cancel_choice()
        assert controller.target == Target(OTHER_ROOT)
        assert not controller.cancel_choice()


async def test_an_unchanged_text_is_retried_with_the_same_key() -> None:
    """A changed text, or another target, is another message."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{ROOT}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _opened(client, view)
        (message,) = controller.submit("text")
        await controller.send(message)
        assert controller.failure == "Not sent: No. Enter tries again."
        assert view.composed_text == "text"
        view.composed_text = ""
        assert controller.submit("text") == [message]
        await controller.send(message)
        view.composed_text = ""
        (other,) = controller.submit("another text")
        assert other.key != message.key
        await controller.send(other)
        controller.choose_target(MESSAGE)
        assert controller.submit("another text") != [other]


async def test_text_typed_while_sending_follows_the_returned_text() -> None:
    """After a failure, nothing that was typed is lost, and the target is restored."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{MESSAGE}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _opened(client, view)
        controller.choose_target(MESSAGE)
        (message,) = controller.submit("first")
        assert controller.target == Target(after=message)
        view.composed_text = "second"
        await controller.send(message)
        assert view.composed_text == "first\n\nsecond"
        assert controller.target == Target(MESSAGE, is_chosen=True)


async def test_follow_ups_of_a_failed_message_wait_for_it() -> None:
    """They are sent after it, in order; when it is given up, the next one comes back."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        posted = PostedMessage(MESSAGE, ROOT, CONVERSATION_ID, 2, ROOT)
        invalid = problem(422, "RGP.VALIDATION", "No.")
        http.on("POST", f"/api/messages/{ROOT}/reply", invalid, FakeResponse(201, posted))
        controller = _opened(client, view)
        (first,) = controller.submit("first")
        (second,) = controller.submit("second")
        (third,) = controller.submit("third")
        for message in (first, second, third):
            await controller.send(message)
        assert view.composed_text == "first"
        view.composed_text = ""
        assert controller.submit("first") == [first]
        await controller.send(first)
        assert view.started == [second]


async def test_a_failed_message_that_is_given_up_returns_the_next() -> None:
    """The next one then replies to what the failed one replied to."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{ROOT}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _opened(client, view)
        (first,) = controller.submit("first")
        (second,) = controller.submit("second")
        for message in (first, second):
            await controller.send(message)
        view.composed_text = ""
        controller.on_typed()
        assert view.composed_text == "second"
        assert controller.target == Target(ROOT)
        assert controller.submit("second") == [second]


async def test_an_unsent_post_survives_the_program(tmp_path: Path) -> None:
    """Its text comes back with the same key and target, whatever is in view then."""
    with Drafts(tmp_path / "drafts") as database:
        async with Client(Session("http://127.0.0.1:1")) as client:
            drafts = AccountDrafts(database, client.origin, "me")
            (lost,) = _opened(client, FakeView(), drafts).submit("text")
            view = FakeView()
            again = _controller(client, view, AccountDrafts(database, client.origin, "me"))
            again.open(_conversation(client), ROOT)
            again.restore_draft()
            again.show_target_in_view(MESSAGE)
            assert view.composed_text == "text"
            (retried,) = again.submit("text")
    assert (retried.key, retried.target) == (lost.key, lost.target)


async def test_a_failed_text_comes_back_once_however_often_its_thread_is_opened(
    tmp_path: Path,
) -> None:
    """Also in the next run of the program; what was written below it is another message."""
    view = FakeView()
    with Drafts(tmp_path / "drafts") as database:
        async with Client(Session("http://127.0.0.1:1")) as client:
            controller = _opened(client, view, AccountDrafts(database, client.origin, "me"))
            (lost,) = controller.submit("text")
            await controller.send(lost)
            assert view.composed_text == "text"
            assert controller.failure.startswith("Not confirmed:")
            for _ in range(2):
                controller.open(controller.conversation, OTHER_ROOT)
                controller.restore_draft()
                assert view.composed_text == ""
                controller.open(controller.conversation, ROOT)
                controller.restore_draft()
                assert view.composed_text == "text"
            view.composed_text = "text\n\nand more"
            controller.on_typed()
            again = _opened(client, view, AccountDrafts(database, client.origin, "me"))
            again.restore_draft()
            assert view.composed_text == "text\n\nand more"
            retried, more = again.submit("text\n\nand more")
    assert (retried.text, retried.key) == ("text", lost.key)
    assert (more.text, more.target) == ("and more", Target(after=retried))


async def test_a_failed_message_that_the_store_received_was_sent() -> None:
    """Its response was lost: the field keeps only what was written since."""
    view = FakeView()
    conversation = FakeConversation()
    root = conversation.post(text="root")
    conversation.post(root, text="text", author=ME)  # an earlier one with the same words
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _controller(client, view)
        session = _conversation(client)
        session.state = await load(conversation, CONVERSATION_ID, ME)
        session.state = with_tree(session.state, await conversation.list_tree(root))
        controller.open(session, root)
        controller.show_target_in_view(root)
        (message,) = controller.submit("text")
        await controller.send(message)
        controller.recognise_failed()
        assert view.composed_text == "text"
        view.composed_text = "text\n\nsince"
        received = conversation.post(root, text="text", author=ME)
        session.state = with_tree(session.state, await conversation.list_tree(root))
        controller.recognise_failed()
        assert view.composed_text == "since"
        assert controller.failure == ""
        assert controller.target == Target(received)


async def test_a_failure_in_another_thread_is_a_notification() -> None:
    """The text comes back when its thread is opened, and the open thread is not changed."""
    view = FakeView()
    async with fake_http_server() as http, Client(Session(http.origin)) as client:
        http.on("POST", f"/api/messages/{ROOT}/reply", problem(422, "RGP.VALIDATION", "No."))
        controller = _opened(client, view)
        (message,) = controller.submit("text")
        controller.open(controller.conversation, OTHER_ROOT)
        await controller.send(message)
        assert view.errors == ["In another thread: Not sent: No. The text is kept there."]
        assert (view.composed_text, controller.failure) == ("", "")
        controller.open(controller.conversation, ROOT)
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
        (message,) = controller.submit("a topic")
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


async def test_attachments_are_kept_with_the_text_until_it_is_sent() -> None:
    """They fix the target as a text does; too much is not sent, and nothing of it is lost."""
    view = FakeView()
    small, large = Attachment("a.py", "x = 1"), Attachment("b.txt", "y" * MESSAGE_MAX)
    async with Client(Session("http://127.0.0.1:1")) as client:
        controller = _opened(client, view)
        controller.change_extras(MessageExtras("large", (small, large)))
        controller.show_target_in_view(OTHER_ROOT)
        assert controller.has_newer
        assert controller.submit("See") == []
        assert view.composed_text == "See"
        assert "characters too long" in controller.failure
        controller.change_extras(controller.extras.without_attachment(1))
        [message] = controller.submit("See")
        assert message.text == "See\n\na.py:\n```python\nx = 1\n```"
        assert message.model == "large"
        assert controller.extras == MessageExtras()
