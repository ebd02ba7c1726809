"""Entries of the transcript: one per message, with its place in the reply tree."""

from datetime import timedelta
from uuid import UUID

from tests.tui.sample_threads import ANA, ME, NAMES, START, answer, chain, message, message_id

from rustygpt_shared.models.messages import MessageError, MessageView
from rustygpt_tui.widgets.transcript.entries import (
    QUOTE_LENGTH,
    UNKNOWN_QUOTE,
    EntryContext,
    Quote,
    entries,
)

CONTEXT = EntryContext(ME, NAMES)


def reply(number: int, parent: int, depth: int, content: str = "") -> MessageView:
    """Return message `number` as a reply to another one."""
    return message(number, content, parent_id=message_id(parent), depth=depth)


def test_a_chain_of_replies_has_one_level() -> None:
    """First replies right below their parents have level 0 and no quote, at any depth."""
    result = entries(chain(range(2_000)), CONTEXT)

    assert {entry.branch_level for entry in result} == {0}
    assert {entry.quote for entry in result} == {None}


def test_further_replies_are_one_level_deeper_and_quote_their_parent() -> None:
    """The first reply keeps its parent's level, the second has a level more and a quote."""
    messages = [message(0, "the **root**"), message(1), message(2), reply(3, 0, 2), reply(4, 3, 3)]
    result = entries(messages, CONTEXT)

    assert [entry.branch_level for entry in result] == [0, 0, 0, 1, 1]
    quotes = [entry.quote for entry in result]
    assert quotes == [None, None, None, Quote("ana", "the **root**"), None]


def test_an_arriving_message_changes_no_other_level() -> None:
    """A second reply to the root leaves the levels of all other entries as they were."""
    thread = chain(range(20))
    before = [entry.branch_level for entry in entries(thread, CONTEXT)]
    after = entries([*thread, reply(20, 0, 2), reply(21, 0, 2)], CONTEXT)

    assert [entry.branch_level for entry in after] == [*before, 1, 1]


def test_where_the_entries_start_within_a_thread_parents_are_missing() -> None:
    """The first entry has level 0, other entries without their parent have level 1."""
    messages = [reply(10, 9, 8), reply(11, 10, 9), reply(12, 3, 4), reply(13, 0, 2)]
    known = EntryContext(ME, NAMES, quotes={message_id(3): Quote("ana", "three")})
    result = entries(messages, known)

    assert [entry.branch_level for entry in result] == [0, 0, 1, 1]
    assert [entry.quote for entry in result] == [
        UNKNOWN_QUOTE,
        None,
        Quote("ana", "three"),
        UNKNOWN_QUOTE,
    ]


def test_quotes_are_bounded_and_do_not_show_deleted_text() -> None:
    """Of a long message a quote keeps the start, of a deleted one nothing."""
    messages = [
        message(0, "x" * 9_000),
        message(1, "secret", deleted_at=START),
        message(2),
        reply(3, 1, 3),
        reply(4, 0, 2),
    ]
    quotes = [entry.quote for entry in entries(messages, CONTEXT)]

    assert quotes[3:] == [Quote("me", "(deleted)"), Quote("ana", "x" * QUOTE_LENGTH)]


def test_entries_have_author_day_unread_mark_and_error() -> None:
    """Each entry has its author, the start of a day, the unread flags and the error."""
    messages = [
        message(0),
        answer(1, "hi", error=MessageError("RGP.LLM", "no model")),
        message(2, created_at=START + timedelta(days=1), author_user_id=UUID(int=9)),
    ]
    unread = {message_id(1), message_id(2)}
    context = EntryContext(ANA, NAMES, first_unread=message_id(1), unread=frozenset(unread))
    result = entries(messages, context)

    assert [entry.author for entry in result] == ["ana", "assistant · demo", "somebody"]
    assert [entry.own for entry in result] == [True, False, False]
    assert [entry.day is not None for entry in result] == [True, False, True]
    assert [entry.first_unread for entry in result] == [False, True, False]
    assert [entry.unread for entry in result] == [False, True, True]
    assert result[1].error == "no model"
