"""Who is there and who is writing, told and shown."""

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
from rustygpt_shared.models.presence import TYPING_STOPPED
from rustygpt_shared.models.presence import TypingIndicator as Shown
from rustygpt_tui.conversation.timing import Timing
from rustygpt_tui.conversation.typing_notifier import NOTIFY_INTERVAL, TYPING_TTL, TypingNotifier

HERE, THERE = UUID(int=1), UUID(int=2)
EVE = person_id(1)


def test_writing_is_told_at_its_begin_and_every_few_seconds() -> None:
    """Its end is told once, when all was taken back; not when it was sent."""
    time = 0.0
    turn = TypingNotifier(lambda: time)
    told = [turn.on_typed(HERE, text) for text in ("", "a", "ab")]
    time += NOTIFY_INTERVAL
    told += [turn.on_typed(HERE, text) for text in ("abc", "", " ", "x")]
    assert told == [None, TYPING_TTL, None, TYPING_TTL, 0, None, TYPING_TTL]
    turn.on_sent()
    assert [turn.on_typed(HERE, ""), turn.on_typed(HERE, "y")] == [None, TYPING_TTL]
    assert turn.on_typed(THERE, "y") == TYPING_TTL, "another thread is told at once"


def _told(chat: FakeChatServer) -> list[int]:
    asked = [one for one in chat.http.requests if one.path == "/api/typing"]
    return [msgspec.json.decode(one.body)["seconds"] for one in asked]


async def test_the_server_hears_of_ones_own_writing() -> None:
    """Of what is typed; a draft that is taken up again is nothing new."""
    room = FakeConversation()
    room.post(text="the newest")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.until("the newest")
        assert chat.http.request_count("POST", "/api/presence/heartbeat") == 1
        driver.main.focus_composer()
        await driver.pilot.press("h", "i")
        await driver.until(lambda: _told(chat) == [TYPING_TTL])
        main = driver.main
        root = main.thread_pane.root
        main.open_thread(None)
        main.open_thread(root)
        await driver.until(lambda: main.thread_pane.composer.text == "hi")
        await driver.pilot.press("backspace", "backspace")
        await driver.until(lambda: _told(chat) == [TYPING_TTL, 0])


async def test_others_are_shown_as_writing_until_they_stop() -> None:
    """Those of the snapshot and those of events; a lost stream ends them all."""
    room = FakeConversation()
    room.add(EVE, "member")
    root = room.post(text="the newest")
    async with fake_chat_server(room) as chat:
        chat.typing = [Shown(root, EVE, START)]
        async with in_conversation(chat) as driver:
            await driver.until("p101 is writing …")
            room.sent.append(
                events.TypingUpdate(
                    events.TypingUpdatePayload(CONVERSATION_ID, root, EVE, TYPING_STOPPED)
                )
            )
            await driver.until(lambda: "is writing" not in driver.text())
            room.sent.append(
                events.TypingUpdate(events.TypingUpdatePayload(CONVERSATION_ID, root, EVE, START))
            )
            await driver.until("p101 is writing …")
            chat.typing = []
            chat.cut_streams()
            await driver.until(lambda: "is writing" not in driver.text())


async def test_an_end_that_is_never_told_comes_by_itself() -> None:
    """Passing events may be left out for a slow reader."""
    room = FakeConversation()
    room.add(EVE, "member")
    root = room.post(text="the newest")
    timing = Timing(typing_timeout=0.3)
    async with fake_chat_server(room) as chat, in_conversation(chat, timing=timing) as driver:
        await driver.until("the newest")
        room.sent.append(
            events.TypingUpdate(events.TypingUpdatePayload(CONVERSATION_ID, root, EVE, START))
        )
        await driver.until("p101 is writing …")
        await driver.until(lambda: "is writing" not in driver.text())


async def test_people_are_marked_by_their_presence() -> None:
    """In the list of who is in the conversation."""
    room = FakeConversation()
    for n in (1, 2):
        room.add(person_id(n), "member")
    room.presence = {EVE: "online", person_id(2): "away"}
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("● p101  member")
        await driver.until("○ p102  member")


async def test_one_is_there_as_long_as_the_terminal_runs() -> None:
    """The heartbeat is repeated, also after the server refused one."""
    assert Timing().heartbeat_interval == 30
    async with fake_chat_server(FakeConversation()) as chat:
        beat = ("POST", "/api/presence/heartbeat")
        del chat.http.routes[beat]
        timing = Timing(heartbeat_interval=0.05)
        async with in_conversation(chat, timing=timing) as driver:
            await driver.until(lambda: chat.http.request_count(*beat) > 3)
