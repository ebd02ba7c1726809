"""Who is there and who is writing, told and shown."""

from uuid import UUID

import msgspec
import pytest
from tests.support.chat_wire import ChatWire, chat_wire
from tests.support.room import ROOM, START, Room, person
from tests.tui.driving import in_room

from rustygpt_shared import events
from rustygpt_shared.models.presence import STOPPED
from rustygpt_shared.models.presence import Turn as Shown
from rustygpt_tui.screens import present
from rustygpt_tui.screens.present import SHOWN_SECONDS, TELL_SECONDS, Turn

HERE, THERE = UUID(int=1), UUID(int=2)
EVE = person(1)


def test_writing_is_told_at_its_begin_and_every_few_seconds() -> None:
    """Its end is told once, when all was taken back; not when it was sent."""
    time = 0.0
    turn = Turn(lambda: time)
    told = [turn.typed(HERE, text) for text in ("", "a", "ab")]
    time += TELL_SECONDS
    told += [turn.typed(HERE, text) for text in ("abc", "", " ", "x")]
    assert told == [None, SHOWN_SECONDS, None, SHOWN_SECONDS, 0, None, SHOWN_SECONDS]
    turn.sent()
    assert [turn.typed(HERE, ""), turn.typed(HERE, "y")] == [None, SHOWN_SECONDS]
    assert turn.typed(THERE, "y") == SHOWN_SECONDS, "another thread is told at once"


def _told(chat: ChatWire) -> list[int]:
    asked = [one for one in chat.wire.asked if one.path == "/api/typing"]
    return [msgspec.json.decode(one.body)["seconds"] for one in asked]


async def test_the_server_hears_of_ones_own_writing() -> None:
    """Of what is typed; a draft that is taken up again is nothing new."""
    room = Room()
    room.post(text="the newest")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        await driver.until("the newest")
        assert chat.wire.counted("POST", "/api/presence/heartbeat") == 1
        driver.main.to_talk()
        await driver.pilot.press("h", "i")
        await driver.until(lambda: _told(chat) == [SHOWN_SECONDS])
        main = driver.main
        root = main.talk.root
        main.open_thread(None)
        main.open_thread(root)
        await driver.until(lambda: main.talk.composer.text == "hi")
        await driver.pilot.press("backspace", "backspace")
        await driver.until(lambda: _told(chat) == [SHOWN_SECONDS, 0])


async def test_others_are_shown_as_writing_until_they_stop() -> None:
    """Those of the snapshot and those of events; a lost stream ends them all."""
    room = Room()
    room.add(EVE, "member")
    root = room.post(text="the newest")
    async with chat_wire(room) as chat:
        chat.typing = [Shown(root, EVE, START)]
        async with in_room(chat) as driver:
            await driver.until("p101 is writing …")
            room.passing.append(events.TypingUpdate(events.Typing(ROOM, root, EVE, STOPPED)))
            await driver.until(lambda: "is writing" not in driver.text())
            room.passing.append(events.TypingUpdate(events.Typing(ROOM, root, EVE, START)))
            await driver.until("p101 is writing …")
            chat.typing = []
            chat.cut_streams()
            await driver.until(lambda: "is writing" not in driver.text())


async def test_an_end_that_is_never_told_comes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passing events may be left out for a slow reader."""
    monkeypatch.setattr("rustygpt_tui.screens.room.TURN_SECONDS", 0.3)
    room = Room()
    room.add(EVE, "member")
    root = room.post(text="the newest")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        await driver.until("the newest")
        room.passing.append(events.TypingUpdate(events.Typing(ROOM, root, EVE, START)))
        await driver.until("p101 is writing …")
        await driver.until(lambda: "is writing" not in driver.text())


async def test_people_are_marked_by_their_presence() -> None:
    """In the list of who is in the conversation."""
    room = Room()
    for n in (1, 2):
        room.add(person(n), "member")
    room.presence = {EVE: "online", person(2): "away"}
    async with chat_wire(room) as chat, in_room(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("● p101  member")
        await driver.until("○ p102  member")


async def test_one_is_there_as_long_as_the_terminal_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat is repeated, also after the server refused one."""
    monkeypatch.setattr("rustygpt_tui.screens.rooms.BEAT_SECONDS", 0.05)
    assert present.BEAT_SECONDS == 30
    async with chat_wire(Room()) as chat:
        beat = ("POST", "/api/presence/heartbeat")
        del chat.wire.routes[beat]
        async with in_room(chat) as driver:
            await driver.until(lambda: chat.wire.counted(*beat) > 3)
