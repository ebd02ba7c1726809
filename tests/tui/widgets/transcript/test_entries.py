"""Entries of the transcript: one per message, with its place in the reply tree."""

from datetime import timedelta
from uuid import UUID

from tests.tui.sample_threads import ANA, ME, NAMES, START, answer, chain, message, message_id

from rustygpt_tui.widgets.transcript.entries import DEEPEST_INDENT, INDENT, EntryContext, entries

CONTEXT = EntryContext(ME, NAMES, {})


def test_a_chain_of_replies_is_not_indented() -> None:
    """Replies without siblings have no indentation and no reply note."""
    result = entries(chain(range(30)), CONTEXT)

    assert {entry.indent for entry in result} == {0}
    assert {entry.reply_to for entry in result} == {""}


def test_branches_are_indented_and_name_the_author_replied_to() -> None:
    """Several replies to one message are branches; replies within a branch are flat."""
    messages = [
        message(0),
        message(1, parent_id=message_id(0)),
        message(2, parent_id=message_id(1)),
        message(3, parent_id=message_id(0)),
    ]
    result = entries(messages, CONTEXT)

    assert [entry.branch_level for entry in result] == [0, 1, 1, 1]
    assert [entry.reply_to for entry in result] == ["", "", "", "ana"]


def test_the_indentation_has_a_maximum() -> None:
    """Beyond a depth only the branch level grows."""
    messages = [message(0)]
    for number in range(1, 41, 2):
        parent = message_id(max(0, number - 2))
        messages += [
            message(number, parent_id=parent, path=f"{number:08d}"),
            message(number + 1, parent_id=parent, path=f"{999 - number:08d}"),
        ]
    result = entries(sorted(messages, key=lambda m: m.path), CONTEXT)

    assert max(entry.indent for entry in result) == INDENT * DEEPEST_INDENT
    assert max(entry.branch_level for entry in result) == 20


def test_entries_have_author_day_and_first_unread() -> None:
    """Each entry has its author, the start of a day, the first-unread flag and the error."""
    messages = [
        message(0),
        answer(1, "hi"),
        message(2, created_at=START + timedelta(days=1), author_user_id=UUID(int=9)),
    ]
    context = EntryContext(ANA, NAMES, {message_id(1): "no model"}, message_id(1))
    result = entries(messages, context)

    assert [entry.author for entry in result] == ["ana", "demo", "somebody"]
    assert [entry.own for entry in result] == [True, False, False]
    assert [entry.day is not None for entry in result] == [True, False, True]
    assert [entry.first_unread for entry in result] == [False, True, False]
    assert result[1].error == "no model"
