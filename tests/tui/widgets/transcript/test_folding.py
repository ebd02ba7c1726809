"""What folded branches hide."""

from tests.tui.sample_threads import ME, NAMES, chain, message, message_id

from rustygpt_tui.widgets.transcript.entries import EntryContext, entries
from rustygpt_tui.widgets.transcript.folding import branch_end, has_branch, with_folds


def test_a_branch_ends_before_the_next_entry_that_is_not_deeper() -> None:
    """A reply to the root is outside of the branch of the first reply."""
    thread = [*chain(range(4)), message(4, depth=2, parent_id=message_id(0))]
    result = entries(thread, EntryContext(ME, NAMES))

    assert [branch_end(result, index) for index in range(5)] == [5, 4, 4, 4, 5]
    assert [has_branch(result, index) for index in range(5)] == [True, True, True, False, False]


def test_a_folded_branch_is_hidden_and_counted() -> None:
    """Entries below a folded one are hidden up to the next one that is not deeper."""
    messages = [*chain(range(4)), message(4, depth=3), message(5, depth=2)]
    context = EntryContext(ME, NAMES, unread=frozenset({message_id(3), message_id(5)}))
    result = with_folds(entries(messages, context), {message_id(1), message_id(2)})

    assert [entry.hidden for entry in result] == [False, False, True, True, True, False]
    assert [(entry.folded, entry.folded_unread) for entry in result[:3]] == [(0, 0), (3, 1), (0, 0)]
