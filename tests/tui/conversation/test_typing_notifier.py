"""Reports of typing and presence, and how those of others are shown."""

from uuid import UUID

import msgspec
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import (
    CONVERSATION_ID,
    START,
    FakeConversation,
    person_id,
)
from tests.tui.app_driver import in_conversation

from rustygpt_shared import events
from rustygpt_shared.models.presence import TYPING_STOPPED, TypingIndicator
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.conversation.typing_notifier import NOTIFY_INTERVAL, TYPING_TTL, TypingNotifier

HERE = UUID(int=1)
THERE = UUID(int=2)
EVE = person_id(1)


def test_typing_is_reported_at_its_start_and_at_intervals() -> None:
    """Its end is reported once, when all text was deleted, and not when it was sent."""
    time = 0.0
    notifier = TypingNotifier(lambda: time)
    reports = [notifier.on_typed(HERE, text) for text in ("", "a", "ab")]
    time += NOTIFY_INTERVAL
    reports += [notifier.on_typed(HERE, text) for text in ("abc", "", " ", "x")]
    assert reports == [None, TYPING_TTL, None, TYPING_TTL, 0, None, TYPING_TTL]
    notifier.on_sent()
    assert [notifier.on_typed(HERE, ""), notifier.on_typed(HERE, "y")] == [None, TYPING_TTL]
    assert notifier.on_typed(THERE, "y") == TYPING_TTL, "another thread is reported at once"


def _reports(chat: FakeChatServer) -> list[int]:
    """Return the seconds of all typing reports that the server received."""
    requests = [request for request in chat.http.requests if request.path == "/api/typing"]
    return [msgspec.json.decode(request.body)["seconds"] for request in requests]


def _typing(root: UUID, until: object) -> events.TypingUpdate:
    return events.TypingUpdate(events.TypingUpdatePayload(CONVERSATION_ID, root, EVE, until))


async def test_the_users_typing_is_reported_to_the_server() -> None:
    """Typed text is reported; a restored draft is not."""
    conversation = FakeConversation()
    conversation.post(text="the newest")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("the newest")
        assert chat.http.request_count("POST", "/api/presence/heartbeat") == 1
        driver.main.focus_composer()
        await driver.pilot.press("h", "i")
        await driver.until(lambda: _reports(chat) == [TYPING_TTL])
        main = driver.main
        root = main.thread_pane.root
        main.open_thread(None)
        main.open_thread(root)
        await driver.until(lambda: main.thread_pane.composer.text == "hi")
        await driver.pilot.press("backspace", "backspace")
        await driver.until(lambda: _reports(chat) == [TYPING_TTL, 0])


async def test_others_are_shown_as_typing_until_they_stop() -> None:
    """Indicators come from the snapshot and from events; a lost stream removes them all."""
    conversation = FakeConversation()
    conversation.add(EVE, "member")
    root = conversation.post(text="the newest")
    async with fake_chat_server(conversation) as chat:
        chat.typing = [TypingIndicator(root, EVE, START)]
        async with in_conversation(chat) as driver:
            await driver.until("p101 is writing …")
            conversation.sent.append(_typing(root, TYPING_STOPPED))
            await driver.until(lambda: "is writing" not in driver.text())
            conversation.sent.append(_typing(root, START))
            await driver.until("p101 is writing …")
            chat.typing = []
            chat.cut_streams()
            await driver.until(lambda: "is writing" not in driver.text())


async def test_a_typing_indicator_expires() -> None:
    """The event that ends it may be missing, as transient events can be dropped."""
    conversation = FakeConversation()
    conversation.add(EVE, "member")
    root = conversation.post(text="the newest")
    timing = Timing(typing_timeout=0.3)
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, timing=timing) as driver,
    ):
        await driver.until("the newest")
        conversation.sent.append(_typing(root, START))
        await driver.until("p101 is writing …")
        await driver.until(lambda: "is writing" not in driver.text())


async def test_participants_have_markers_of_their_presence() -> None:
    """The dialog of participants shows who is online or away."""
    conversation = FakeConversation()
    for n in (1, 2):
        conversation.add(person_id(n), "member")
    conversation.presence = {EVE: "online", person_id(2): "away"}
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("● p101  member")
        await driver.until("○ p102  member")


async def test_the_heartbeat_is_repeated() -> None:
    """It is sent again also after the server rejected one."""
    assert Timing().heartbeat_interval == 30
    async with fake_chat_server(FakeConversation()) as chat:
        heartbeat = ("POST", "/api/presence/heartbeat")
        del chat.http.routes[heartbeat]
        timing = Timing(heartbeat_interval=0.05)
        async with in_conversation(chat, timing=timing) as driver:
            await driver.until(lambda: chat.http.request_count(*heartbeat) > 3)
