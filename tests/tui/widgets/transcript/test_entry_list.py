"""The entries of a thread kept up to date message by message."""

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
    """A tree: each further message answers the one with this number, if it is there."""
    paths, depths = ["m"], [1]
    found = [message(0, path="m", depth=1, parent_id=None)]
    for number, wanted in enumerate(parents, 1):
        parent = wanted % number
        paths.append(f"{paths[parent]}/{number:03d}")
        depths.append(depths[parent] + 1)
        found.append(
            message(
                number,
                path=paths[number],
                depth=depths[number],
                parent_id=message_id(parent),
                created_at=START + timedelta(hours=5 * number),
                author_user_id=ME if number % 3 else ANA,
            )
        )
    return found


def _sorted(messages: list[MessageView]) -> list[MessageView]:
    return sorted(messages, key=lambda m: m.path)


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=24),
    st.integers(1, 6),
    st.sets(st.integers(0, 24), max_size=4),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=200)
def test_step_by_step_is_the_same_as_at_once(
    parents: list[int], size: int, edited: set[int], chance: random.Random
) -> None:
    """Whatever the order messages come in, change and go, and for the flow that shows them too."""
    thread = _thread(parents)
    known: list[MessageView] = []
    arranged, flow = EntryList(CONTEXT), Layout(lambda _: None)

    def check(splice: object) -> None:
        flow.splice(splice.start, splice.stop, splice.entries)  # type: ignore[attr-defined]
        want = entries(_sorted(known), CONTEXT)
        assert arranged.entries == want
        assert list(flow.entries) == want
        assert [flow.index(entry.id) for entry in want] == list(range(len(want)))

    coming = chance.sample(thread, len(thread))
    for at in range(0, len(coming), size):
        known += coming[at : at + size]
        check(arranged.upsert(coming[at : at + size]))
    for number in edited & set(range(len(thread))):
        changed = message(number, "edited", path=thread[number].path, depth=thread[number].depth)
        fields = {"parent_id": thread[number].parent_id, "created_at": thread[number].created_at}
        edit = _with(changed, author_user_id=thread[number].author_user_id, **fields)
        known[known.index(thread[number])] = edit
        check(arranged.upsert([edit]))
    leaves = [m for m in known if not any(m.id == other.parent_id for other in known)]
    for leaf in leaves[:2]:
        known.remove(leaf)
        check(arranged.remove([leaf.id]))


def _with(base: MessageView, **fields: object) -> MessageView:
    return MessageView(**{n: getattr(base, n) for n in base.__struct_fields__} | fields)  # type: ignore[arg-type]


def test_a_change_is_as_small_as_what_changed() -> None:
    """In a long talk a message at the end touches one entry, and so does an edit."""
    thread = [message(n, depth=n + 1) for n in range(2_000)]
    arranged = EntryList(CONTEXT)
    arranged.reset(thread, CONTEXT)

    added = arranged.upsert([message(2_000, depth=2_001)])
    edited = arranged.upsert([message(7, "edited", depth=8)])
    again = arranged.upsert([message(7, "edited", depth=8)])

    assert (added.start, added.stop, len(added.entries), added.new_count) == (2_000, 2_000, 1, 1)
    assert (edited.start, edited.stop, len(edited.entries), edited.new_count) == (7, 8, 1, 0)
    assert again.entries == []


def test_what_is_known_of_a_message_is_drawn_when_it_is_put_again() -> None:
    """Trouble and the first unread message come by the context."""
    arranged = EntryList(CONTEXT)
    arranged.reset([message(0), message(1)], CONTEXT)
    arranged.context = replace(CONTEXT, errors={message_id(1): "no model"})
    shown: list[Entry] = arranged.upsert([message(1)]).entries

    assert [entry.error for entry in shown] == ["no model"]
