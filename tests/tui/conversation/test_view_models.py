"""What the screens show of the state of a conversation."""

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


async def _state(conversation: FakeConversation, *roots: UUID) -> State:
    state = await load(conversation, CONVERSATION_ID, ME)
    for root in roots:
        state = with_tree(state, await conversation.list_tree(root))
    return state


def _header_text(state: State, root: UUID, cells: int) -> str:
    return "".join(text for text, _ in header_parts(state, root, cells))


async def test_the_header_is_shortened_in_steps() -> None:
    """The title is kept longest; the parts always fill the width."""
    conversation = FakeConversation()
    conversation.add(person_id(1), "member")
    conversation.info = structs.replace(conversation.info, title="Harbour [b]")
    root = conversation.post(text="Why did the **canary** fail?")
    state = await _state(conversation, root)
    lines = {cells: _header_text(state, root, cells) for cells in (100, 50, 36, 12)}

    assert lines[100].startswith("Harbour [b]  ·  Why did the canary fail?")
    assert lines[100].endswith("2 people · assistant answers")
    assert lines[50].endswith("  assistant answers")
    assert lines[36].endswith("  assistant answers")
    assert "assistant" not in lines[12]
    assert all(width(line) == cells for cells, line in lines.items())
    assert header_parts(None, None, 40) == []


async def test_rows_use_the_state_of_the_open_conversation() -> None:
    """Its title and counts are those of its state, not of the list."""
    conversation = FakeConversation()
    root = conversation.post(text="**first**")
    state = replace(await _state(conversation), unread={root: 3})
    listed = structs.replace(
        await conversation.show_conversation(CONVERSATION_ID), title="old", unread=9
    )
    empty = structs.replace(listed, id=UUID(int=5), unread=0)
    open_row, other_row = conversation_rows([listed, empty], state)

    assert (open_row.title, open_row.note, open_row.unread) == ("Tea", "first", 3)
    assert (other_row.title, other_row.note) == ("old", "no messages yet")
    rows = thread_rows(state, START + timedelta(hours=2))
    assert [(row.title, row.note, row.unread) for row in rows] == [("first", "1 message · 1 h", 3)]
    assert thread_rows(None, START) == []


async def test_the_first_unread_message_is_first_in_reading_order() -> None:
    """The newest messages of others are unread; an incomplete thread has none."""
    conversation = FakeConversation()
    root = conversation.post(text="root")
    for number in range(4):
        conversation.post(root, text=str(number))
    state = await _state(conversation, root)
    third = list(conversation.messages)[3]

    assert first_unread(state, root) is None
    unread = replace(state, unread={root: 2})
    assert first_unread(unread, root) == third
    incomplete = replace(unread.trees[root], cursor="more")
    assert first_unread(replace(unread, trees={root: incomplete}), root) is None


async def test_running_answers_and_pending_messages() -> None:
    """The newest running answer is returned; pending messages are at the end of their thread."""
    conversation = FakeConversation()
    root = conversation.post(text="root")
    conversation.post(root, role="assistant")
    newest = conversation.post(root, role="assistant")
    state = await _state(conversation, root)
    answer = running_answer(state, root)
    here = PendingMessage("here", CONVERSATION_ID, root)
    elsewhere = PendingMessage("there", CONVERSATION_ID, UUID(int=9))
    pending = pending_messages(
        state,
        [here, PendingMessage("too", CONVERSATION_ID, root), elsewhere],
        CONVERSATION_ID,
        root,
    )

    assert answer is not None
    assert answer.id == newest
    assert [message.content for message in pending] == ["here", "too"]
    assert [m.path for m in pending] == sorted(m.path for m in pending)
    assert all(m.path > other.path for m in pending for other in conversation.messages.values())
    assert loading_label(state, root) == "Loading 3 of 3 messages …"
    assert loading_label(state, UUID(int=9)) == "Loading …"


def test_list_texts_have_no_markup() -> None:
    """Markdown markup is removed, and a code block is described by its beginning."""
    assert strip_markdown("# Title\n> `code` and **bold**") == "Title\ncode and bold"
    assert code_block_label(CodeBlock("make\n", "sh")) == "sh, 1 line: make"
    assert code_block_label(CodeBlock("\n\na = 1\nb = 2\n")) == "4 lines: a = 1 b = 2"


@pytest.mark.parametrize(
    ("error", "text"),
    [("username: too short", "Too short."), ("", "Something typed here does not fit.")],
)
def test_validation_errors_become_sentences(error: str, text: str) -> None:
    """The sentence has the reason without the name of the field."""
    assert validation_sentence(ValueError(error)) == text
