"""What of a room's state is shown."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec import structs
from tests.support.fakes.fake_conversation import (
    CONVERSATION_ID,
    ME,
    START,
    FakeConversation,
    person_id,
)

from rustygpt_tui.conversation.message_sender import PendingMessage
from rustygpt_tui.conversation.view_models import (
    code_block_label,
    conversation_rows,
    first_unread,
    header_parts,
    loading_label,
    pending_messages,
    running_answer,
    strip_markdown,
    thread_rows,
    validation_sentence,
)
from rustygpt_tui.render.code_blocks import CodeBlock
from rustygpt_tui.render.text import width
from rustygpt_tui.store.load import load, with_tree
from rustygpt_tui.store.state import State


async def _state(room: FakeConversation, *roots: UUID) -> State:
    state = await load(room, CONVERSATION_ID, ME)
    for root in roots:
        state = with_tree(state, await room.list_tree(root))
    return state


def _header_text(state: State, root: UUID, cells: int) -> str:
    return "".join(text for text, _ in header_parts(state, root, cells))


async def test_the_header_gives_way_in_steps() -> None:
    """Title first, then the thread, people and assistant; it always fills the line."""
    room = FakeConversation()
    room.add(person_id(1), "member")
    room.info = structs.replace(room.info, title="Harbour [b]")
    root = room.post(text="Why did the **canary** fail?")
    state = await _state(room, root)
    lines = {cells: _header_text(state, root, cells) for cells in (100, 50, 36, 12)}

    assert lines[100].startswith("Harbour [b]  ·  Why did the canary fail?")
    assert lines[100].endswith("2 people · assistant answers")
    assert lines[50].endswith("  assistant answers")
    assert lines[36].endswith("  assistant answers")
    assert "assistant" not in lines[12]
    assert all(width(line) == cells for cells, line in lines.items())
    assert header_parts(None, None, 40) == []


async def test_rows_tell_what_is_newer_than_the_list() -> None:
    """The open conversation's title and counts are those of its state."""
    room = FakeConversation()
    root = room.post(text="**first**")
    state = replace(await _state(room), unread={root: 3})
    listed = structs.replace(await room.show_conversation(CONVERSATION_ID), title="old", unread=9)
    empty = structs.replace(listed, id=UUID(int=5), unread=0)
    shown, other = conversation_rows([listed, empty], state)

    assert (shown.title, shown.note, shown.unread) == ("Tea", "first", 3)
    assert (other.title, other.note) == ("old", "no messages yet")
    rows = thread_rows(state, START + timedelta(hours=2))
    assert [(row.title, row.note, row.unread) for row in rows] == [("first", "1 message · 1 h", 3)]
    assert thread_rows(None, START) == []


async def test_the_first_unread_message_is_that_in_reading_order() -> None:
    """It is counted by others' messages, newest first; without a whole thread nobody knows."""
    room = FakeConversation()
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
    room = FakeConversation()
    root = room.post(text="root")
    room.post(root, role="assistant")
    newest = room.post(root, role="assistant")
    state = await _state(room, root)
    found = running_answer(state, root)
    here, elsewhere = (
        PendingMessage("here", CONVERSATION_ID, root),
        PendingMessage("there", CONVERSATION_ID, UUID(int=9)),
    )
    waiting = pending_messages(
        state,
        [here, PendingMessage("too", CONVERSATION_ID, root), elsewhere],
        CONVERSATION_ID,
        root,
    )

    assert found is not None
    assert found.id == newest
    assert [message.content for message in waiting] == ["here", "too"]
    assert [m.path for m in waiting] == sorted(m.path for m in waiting)
    assert all(m.path > other.path for m in waiting for other in room.messages.values())
    assert loading_label(state, root) == "Loading 3 of 3 messages …"
    assert loading_label(state, UUID(int=9)) == "Loading …"


def test_words_for_lists_are_bare() -> None:
    """Marks of Markdown mean nothing there, and code is told by its beginning."""
    assert strip_markdown("# Title\n> `code` and **bold**") == "Title\ncode and bold"
    assert code_block_label(CodeBlock("make\n", "sh")) == "sh, 1 line: make"
    assert code_block_label(CodeBlock("\n\na = 1\nb = 2\n")) == "4 lines: a = 1 b = 2"


@pytest.mark.parametrize(
    ("said", "shown"),
    [("username: too short", "Too short."), ("", "Something typed here does not fit.")],
)
def test_what_a_field_may_not_be_is_said_in_a_sentence(said: str, shown: str) -> None:
    """The check's own words, without the field's name on the wire."""
    assert validation_sentence(ValueError(said)) == shown
