"""The incrementally updated entries of a thread."""

import random
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.sample_threads import ANA, ME, NAMES, START, message, message_id

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.widgets.transcript.entries import Entry, EntryContext, entries
from rustygpt_tui.widgets.transcript.entry_list import EntryList
from rustygpt_tui.widgets.transcript.layout import Layout

CONTEXT = EntryContext(ME, NAMES, {})


def _thread(parents: list[int]) -> list[MessageView]:
    """Return a tree in which message n + 1 replies to message `parents[n]` modulo its number."""
    paths = ["m"]
    depths = [1]
    messages = [message(0, path="m", depth=1, parent_id=None)]
    for number, parent_number in enumerate(parents, 1):
        parent = parent_number % number
        paths.append(f"{paths[parent]}/{number:03d}")
        depths.append(depths[parent] + 1)
        messages.append(
            message(
                number,
                path=paths[number],
                depth=depths[number],
                parent_id=message_id(parent),
                created_at=START + timedelta(hours=5 * number),
                author_user_id=ME if number % 3 else ANA,
            )
        )
    return messages


def _sorted(messages: list[MessageView]) -> list[MessageView]:
    return sorted(messages, key=lambda m: m.path)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=24),
    st.integers(1, 6),
    st.sets(st.integers(0, 24), max_size=4),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=200)
def test_any_sequence_of_changes_gives_the_entries_of_a_rebuild(
    parents: list[int], size: int, edited: set[int], rng: random.Random
) -> None:
    """Added, edited and removed in any order, list and layout have the rebuilt entries."""
    thread = _thread(parents)
    current: list[MessageView] = []
    entry_list = EntryList(CONTEXT)
    layout = Layout(lambda _: None)

    def check(splice: object) -> None:
        layout.splice(splice.start, splice.stop, splice.entries)  # type: ignore[attr-defined]
        expected = entries(_sorted(current), CONTEXT)
        assert entry_list.entries == expected
        assert list(layout.entries) == expected
        assert [layout.index(entry.id) for entry in expected] == list(range(len(expected)))

    shuffled = rng.sample(thread, len(thread))
    for at in range(0, len(shuffled), size):
        current += shuffled[at : at + size]
        check(entry_list.upsert(shuffled[at : at + size]))
    for number in edited & set(range(len(thread))):
        changed = message(number, "edited", path=thread[number].path, depth=thread[number].depth)
        fields = {"parent_id": thread[number].parent_id, "created_at": thread[number].created_at}
        edit = _with(changed, author_user_id=thread[number].author_user_id, **fields)
        current[current.index(thread[number])] = edit
        check(entry_list.upsert([edit]))
    leaves = [m for m in current if not any(m.id == other.parent_id for other in current)]
    for leaf in leaves[:2]:
        current.remove(leaf)
        check(entry_list.remove([leaf.id]))


def _with(base: MessageView, **fields: object) -> MessageView:
    return MessageView(**{n: getattr(base, n) for n in base.__struct_fields__} | fields)  # type: ignore[arg-type]


def test_a_change_touches_only_the_entries_that_differ() -> None:
    """In a thread of 2,000 messages an added or edited message changes one entry."""
    thread = [message(n, depth=n + 1) for n in range(2_000)]
    entry_list = EntryList(CONTEXT)
    entry_list.reset(thread, CONTEXT)

    added = entry_list.upsert([message(2_000, depth=2_001)])
    edited = entry_list.upsert([message(7, "edited", depth=8)])
    again = entry_list.upsert([message(7, "edited", depth=8)])

    assert (added.start, added.stop, len(added.entries), added.new_count) == (2_000, 2_000, 1, 1)
    assert (edited.start, edited.stop, len(edited.entries), edited.new_count) == (7, 8, 1, 0)
    assert again.entries == []


def test_a_changed_context_applies_when_a_message_is_updated() -> None:
    """An error in the context is shown after the message is updated."""
    entry_list = EntryList(CONTEXT)
    entry_list.reset([message(0), message(1)], CONTEXT)
    entry_list.context = replace(CONTEXT, errors={message_id(1): "no model"})
    changed: list[Entry] = entry_list.upsert([message(1)]).entries

    assert [entry.error for entry in changed] == ["no model"]
