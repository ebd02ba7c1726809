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
from tests.support.function_calls import calls

from rustygpt_tui.conversation.message_sender import PendingMessage, Target
from rustygpt_tui.conversation.view_models import (
    answer_to_stop,
    code_block_label,
    conversation_rows,
    first_unread,
    header_parts,
    pending_messages,
    pill_texts,
    running_answers,
    target_label,
    thread_rows,
    unread_besides_answers,
    validation_sentence,
)
from rustygpt_tui.render.code_blocks import CodeBlock
from rustygpt_tui.render.text import width
from rustygpt_tui.store.apply import with_reading
from rustygpt_tui.store.load import load, with_ahead, with_tree
from rustygpt_tui.store.reading import with_seen
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


async def test_rows_show_titles_excerpts_and_counts() -> None:
    """Answers that are being written in the open thread are not counted."""
    conversation = FakeConversation()
    root = conversation.post(text="**first**", author=person_id(1))
    conversation.post(root, role="assistant")
    state = await _state(conversation, root)
    state = with_ahead(state, await conversation.list_messages(root), after_seq=0)
    listed = await conversation.show_conversation(CONVERSATION_ID)
    empty = structs.replace(listed, id=UUID(int=5), unread=0, last_message_excerpt=None)
    row, other_row = conversation_rows([listed, empty], {CONVERSATION_ID: 1})

    assert (row.title, row.note, row.unread) == ("Tea", "first", 1)
    assert (other_row.note, other_row.unread) == ("no messages yet", 0)
    later = START + timedelta(hours=2)
    assert [(r.title, r.note, r.unread) for r in thread_rows(state, later)] == [
        ("first", "2 messages · 1 h", 2)
    ]
    assert [r.unread for r in thread_rows(state, later, root)] == [1]
    assert unread_besides_answers(state, None) == 0
    assert thread_rows(None, START) == []


async def test_the_first_unread_message_is_first_in_reading_order() -> None:
    """Whatever the order in which the messages were written."""
    conversation = FakeConversation()
    root = conversation.post(text="root", author=ME)
    early = conversation.post(root, text="early")
    late = conversation.post(root, text="late")
    below = conversation.post(early, text="below early, written last")
    state = await _state(conversation, root)
    state = with_ahead(state, await conversation.list_messages(root), after_seq=0)

    assert first_unread(state, root) == early
    reading = with_seen(state.readings[root], [conversation.messages[early].seq])
    assert first_unread(with_reading(state, root, reading)[0], root) == below
    assert first_unread(state, UUID(int=9)) is None
    partly = replace(state.readings[root], ahead=state.readings[root].ahead[2:], is_complete=False)
    assert first_unread(with_reading(state, root, partly)[0], root) == early
    unknown = replace(partly, ahead=(), is_mark_known=False)
    assert first_unread(with_reading(state, root, unknown)[0], root) is None
    paths = {
        name: conversation.messages[id_].path for name, id_ in (("early", early), ("late", late))
    }
    assert pill_texts(state, root, (paths["late"], paths["late"]), follows_end=True) == (
        "↑ 2 new",
        "",
    )
    assert pill_texts(state, root, ("", paths["early"]), follows_end=False) == ("", "↓ 2 new")


async def test_running_answers() -> None:
    """The selected one is stopped, else the newest in view; below the view one is announced."""
    conversation = FakeConversation()
    root = conversation.post(text="root", author=ME)
    own = conversation.post(root, role="assistant")
    question = conversation.post(own, text="more?", author=person_id(1))
    newest = conversation.post(question, role="assistant")
    state = await _state(conversation, root)

    running = running_answers(state, root)
    assert [message.id for message in running] == [own, newest]
    assert [message.id for message in running_answers(state, root, own=True)] == [own]
    assert answer_to_stop(running, None, set()).id == newest
    assert answer_to_stop(running, None, {own, root}).id == own
    assert answer_to_stop(running, own, {newest}).id == own
    assert answer_to_stop(running, root, {own, newest}).id == newest
    view = ("", conversation.messages[question].path)
    assert pill_texts(state, root, view, follows_end=False) == ("", "↓ the answer goes on")
    assert pill_texts(state, root, view, follows_end=True) == ("", "")


async def test_pending_messages_are_at_their_place_in_the_tree() -> None:
    """Right after the replies to the message that they reply to, and after each other."""
    conversation = FakeConversation()
    root = conversation.post(text="root")
    first = conversation.post(root)
    conversation.post(first)
    second = conversation.post(root)
    state = await _state(conversation, root)
    here = PendingMessage("here", CONVERSATION_ID, root, Target(first))
    follow_up = PendingMessage("too", CONVERSATION_ID, root, Target(after=here))
    elsewhere = PendingMessage("there", CONVERSATION_ID, UUID(int=9))
    pending = pending_messages(state, [here, follow_up, elsewhere], CONVERSATION_ID, root)

    assert [(m.content, m.parent_id, m.depth) for m in pending] == [
        ("here", first, 3),
        ("too", here.id, 4),
    ]
    everything = sorted([*state.trees[root], *pending], key=lambda m: m.path)
    assert [m.id for m in everything][-3:] == [here.id, follow_up.id, second]


def test_the_target_of_a_long_message_costs_no_more_than_that_of_a_short_one() -> None:
    """The line above the composer is drawn with each key: it reads the message's beginning."""
    short = "中文 **測試** " * 200
    assert target_label("ann", short * 30, 60) == target_label("ann", short, 60)
    few = calls(lambda: target_label("ann", short, 60))
    assert calls(lambda: target_label("ann", short * 30, 60)) < few * 2


def test_a_code_block_has_a_label() -> None:
    """A code block is described by its beginning."""
    assert code_block_label(CodeBlock("make\n", "sh")) == "sh, 1 line: make"
    assert code_block_label(CodeBlock("\n\na = 1\nb = 2\n")) == "4 lines: a = 1 b = 2"


@pytest.mark.parametrize(
    ("error", "text"),
    [("username: too short", "Too short."), ("", "Something typed here does not fit.")],
)
def test_validation_errors_become_sentences(error: str, text: str) -> None:
    """The sentence has the reason without the name of the field."""
    assert validation_sentence(ValueError(error)) == text
