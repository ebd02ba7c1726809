"""What the transcript shows, one entry a message."""

from datetime import timedelta
from uuid import UUID

from tests.tui.sample_threads import ANA, ME, NAMES, START, answer, chain, message, message_id

from rustygpt_tui.widgets.transcript.entries import DEEPEST_INDENT, INDENT, EntryContext, entries

CONTEXT = EntryContext(ME, NAMES, {})


def test_a_talk_stays_flat() -> None:
    """Replies without siblings stand under each other without indentation."""
    shown = entries(chain(range(30)), CONTEXT)

    assert {entry.indent for entry in shown} == {0}
    assert {entry.reply_to for entry in shown} == {""}


def test_branches_are_indented_and_say_whom_they_answer() -> None:
    """Where a message has several replies each is a branch, and what they answer stays flat."""
    messages = [
        message(0),
        message(1, parent_id=message_id(0)),
        message(2, parent_id=message_id(1)),
        message(3, parent_id=message_id(0)),
    ]
    shown = entries(messages, CONTEXT)

    assert [entry.branch_level for entry in shown] == [0, 1, 1, 1]
    assert [entry.reply_to for entry in shown] == ["", "", "", "ana"]


def test_deep_branches_leave_room_for_the_text() -> None:
    """Indentation ends at some depth; the level goes on counting."""
    messages = [message(0)]
    for number in range(1, 41, 2):
        parent = message_id(max(0, number - 2))
        messages += [
            message(number, parent_id=parent, path=f"{number:08d}"),
            message(number + 1, parent_id=parent, path=f"{999 - number:08d}"),
        ]
    shown = entries(sorted(messages, key=lambda m: m.path), CONTEXT)

    assert max(entry.indent for entry in shown) == INDENT * DEEPEST_INDENT
    assert max(entry.branch_level for entry in shown) == 20


def test_names_days_and_marks() -> None:
    """Each entry knows its author, whether a day begins, and whether it is the first unread."""
    messages = [
        message(0),
        answer(1, "hi"),
        message(2, created_at=START + timedelta(days=1), author_user_id=UUID(int=9)),
    ]
    context = EntryContext(ANA, NAMES, {message_id(1): "no model"}, message_id(1))
    shown = entries(messages, context)

    assert [entry.author for entry in shown] == ["ana", "demo", "somebody"]
    assert [entry.own for entry in shown] == [True, False, False]
    assert [entry.day is not None for entry in shown] == [True, False, True]
    assert [entry.first_unread for entry in shown] == [False, True, False]
    assert shown[1].error == "no model"
