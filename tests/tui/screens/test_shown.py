"""What of a room's state is shown."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from msgspec import structs
from tests.support.room import ME, ROOM, START, Room, person

from rustygpt_tui.render.blocks import CodeBlock
from rustygpt_tui.render.text import width
from rustygpt_tui.screens.outbox import Attempt
from rustygpt_tui.screens.shown import (
    bare,
    block_words,
    conversation_rows,
    first_unread,
    header,
    pending,
    progress,
    streaming,
    thread_rows,
)
from rustygpt_tui.store.load import load, with_tree
from rustygpt_tui.store.state import State


async def _state(room: Room, *roots: UUID) -> State:
    state = await load(room, ROOM, ME)
    for root in roots:
        state = with_tree(state, await room.tree(root))
    return state


async def test_the_header_gives_way_in_steps() -> None:
    """Title first, then the thread, people and assistant; it always fills the line."""
    room = Room()
    room.add(person(1), "member")
    room.info = structs.replace(room.info, title="Harbour [b]")
    root = room.post(text="Why did the **canary** fail?")
    state = await _state(room, root)
    lines = {cells: header(state, root, cells).plain for cells in (100, 50, 36, 12)}

    assert lines[100].startswith("Harbour [b]  ·  Why did the canary fail?")
    assert lines[100].endswith("2 people · assistant answers")
    assert lines[50].endswith("  assistant answers")
    assert lines[36].endswith("  assistant answers")
    assert "assistant" not in lines[12]
    assert all(width(line) == cells for cells, line in lines.items())
    assert header(None, None, 40).plain == ""


async def test_rows_tell_what_is_newer_than_the_list() -> None:
    """The open conversation's title and counts are those of its state."""
    room = Room()
    root = room.post(text="**first**")
    state = replace(await _state(room), unread={root: 3})
    listed = structs.replace(await room.show_conversation(ROOM), title="old", unread=9)
    empty = structs.replace(listed, id=UUID(int=5), unread=0)
    shown, other = conversation_rows([listed, empty], state)

    assert (shown.title, shown.note, shown.unread) == ("Tea", "first", 3)
    assert (other.title, other.note) == ("old", "no messages yet")
    rows = thread_rows(state, START + timedelta(hours=2))
    assert [(row.title, row.note, row.unread) for row in rows] == [("first", "1 message · 1 h", 3)]
    assert thread_rows(None, START) == []


async def test_the_first_unread_message_is_that_in_reading_order() -> None:
    """It is counted by others' messages, newest first; without a whole thread nobody knows."""
    room = Room()
    root = room.post(text="root")
    for number in range(4):
        room.post(root, text=str(number))
    state = await _state(room, root)
    third = list(room.messages)[3]

    assert first_unread(state, root) is None
    unread = replace(state, unread={root: 2})
    assert first_unread(unread, root) == third
    cut = replace(unread.trees[root], cursor="more")
    assert first_unread(replace(unread, trees={root: cut}), root) is None


async def test_answers_in_progress_and_messages_on_their_way() -> None:
    """The newest answer is found; what was posted waits until the store knows it."""
    room = Room()
    root = room.post(text="root")
    room.post(root, role="assistant")
    newest = room.post(root, role="assistant")
    state = await _state(room, root)
    found = streaming(state, root)
    here, elsewhere = Attempt("here", ROOM, root), Attempt("there", ROOM, UUID(int=9))
    waiting = pending(state, [here, Attempt("too", ROOM, root), elsewhere], ROOM, root)

    assert found is not None
    assert found.id == newest
    assert [message.content for message in waiting] == ["here", "too"]
    assert [m.path for m in waiting] == sorted(m.path for m in waiting)
    assert all(m.path > other.path for m in waiting for other in room.messages.values())
    assert progress(state, root) == "Loading 3 of 3 messages …"
    assert progress(state, UUID(int=9)) == "Loading …"


def test_words_for_lists_are_bare() -> None:
    """Marks of Markdown mean nothing there, and code is told by its beginning."""
    assert bare("# Title\n> `code` and **bold**") == "Title\ncode and bold"
    assert block_words(CodeBlock("make\n", "sh")) == "sh, 1 line: make"
    assert block_words(CodeBlock("\n\na = 1\nb = 2\n")) == "4 lines: a = 1 b = 2"
