"""The incrementally updated entries of a thread."""

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.tui.sample_threads import ANA, ME, NAMES, START, chain, message, message_id

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.widgets.transcript.entries import Entry, EntryContext, Quote, entries
from rustygpt_tui.widgets.transcript.entry_list import EntryList, Splice
from rustygpt_tui.widgets.transcript.folding import with_folds
from rustygpt_tui.widgets.transcript.layout import Layout

CONTEXT = EntryContext(ME, NAMES)


def _thread(parents: list[int]) -> list[MessageView]:
    """Return a tree in which message n + 1 replies to message `parents[n]` modulo its number."""
    messages = [message(0, path="m", depth=1, parent_id=None)]
    for number, parent_number in enumerate(parents, 1):
        parent = messages[parent_number % number]
        messages.append(
            message(
                number,
                path=f"{parent.path}/{number:03d}",
                depth=parent.depth + 1,
                parent_id=parent.id,
                created_at=START + timedelta(hours=5 * number),
                author_user_id=ME if number % 3 else ANA,
                role="assistant" if number % 2 else "user",
            )
        )
    return messages


class Model:
    """An entry list and a layout that follows it, next to the plain list of their messages."""

    def __init__(self) -> None:
        self.context = CONTEXT
        self.messages: dict[UUID, MessageView] = {}
        self.folded: set[UUID] = set()
        self.list = EntryList(CONTEXT)
        self.layout = Layout(lambda _: None)

    def check(self, splice: Splice) -> None:
        """Compare everything with entries that are built from nothing."""
        self.layout.splice(splice.start, splice.stop, splice.entries)
        ordered = sorted(self.messages.values(), key=lambda m: m.path)
        expected = with_folds(entries(ordered, self.context), self.folded)
        assert self.list.entries == expected
        assert list(self.layout.entries) == expected
        assert [self.layout.index(entry.id) for entry in expected] == list(range(len(expected)))

    def change(
        self, messages: list[MessageView], removed: list[UUID], context: EntryContext | None = None
    ) -> None:
        for id_ in removed:
            self.messages.pop(id_, None)
        self.messages |= {m.id: m for m in messages}
        self.context = context or self.context
        self.check(self.list.change(messages, removed, context))

    def some(self, rng: random.Random, thread: list[MessageView]) -> frozenset[UUID]:
        """Return the ids of some messages, present or not."""
        return frozenset(m.id for m in rng.sample(thread, rng.randrange(len(thread))))


KINDS = ["add", "edit", "remove", "marks", "rights", "quotes", "fold", "open"]


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=24),
    st.lists(st.sampled_from(KINDS)),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=300)
def test_any_sequence_of_changes_gives_the_entries_of_a_rebuild(
    parents: list[int], kinds: list[str], rng: random.Random
) -> None:
    """Added in any order, edited, removed, marked and folded: the list has the rebuilt entries."""
    thread = _thread(parents)
    model = Model()
    model.change(rng.sample(thread, rng.randrange(len(thread) + 1)), [])
    for kind in kinds:
        _operate(model, kind, thread, rng)
    model.change(rng.sample(thread, len(thread)), [])


def _operate(model: Model, kind: str, thread: list[MessageView], rng: random.Random) -> None:
    some = model.some(rng, thread)
    chosen = [m for m in thread if m.id in some]
    if kind == "add":
        model.change(rng.sample(chosen, len(chosen)), [])
    elif kind == "edit":
        edited = [structs.replace(m, content="edited") for m in chosen if m.id in model.messages]
        model.change(edited, [])
    elif kind == "remove":
        model.change([], list(some))
    elif kind == "marks":
        first = rng.choice(thread).id
        marked = replace(model.context, unread=some, first_unread=first, pending=some)
        model.change([], [], replace(marked, open_reasoning=model.some(rng, thread)))
    elif kind == "rights":
        may = rng.choice(("all", "own", "none"))
        model.change([], [], replace(model.context, may_ask_again=may))
    elif kind == "quotes":
        quotes = {id_: Quote("x", str(rng.randrange(3))) for id_ in some}
        model.change([], [], replace(model.context, quotes=quotes))
    else:
        _fold(model, kind, rng.choice(thread).id)


def _fold(model: Model, kind: str, id: UUID) -> None:
    if kind == "fold":
        model.folded ^= {id}
        model.check(model.list.fold(id) if id in model.folded else model.list.unfold(id))
    else:
        splice = model.list.unfold_to(id)
        model.folded = set(model.list.folded)
        model.check(splice)
        assert not any(entry.hidden for entry in model.list.entries if entry.id == id)


def test_answers_to_the_same_question_are_numbered() -> None:
    """In their order, as soon as there are two; replies of people are not counted."""
    question = message(0, parent_id=None)
    fields = {"parent_id": question.id, "depth": 2}
    first, second = (message(n, role="assistant", **fields) for n in (1, 3))
    entry_list = EntryList(CONTEXT)
    entry_list.reset([question, first, message(2, **fields)], CONTEXT)
    alone = [entry.siblings for entry in entry_list.entries]
    entry_list.change([second])

    assert alone == [None, None, None]
    assert [entry.siblings for entry in entry_list.entries] == [None, (1, 2), None, (2, 2)]


def test_a_change_touches_only_the_entries_that_differ() -> None:
    """In a thread of 2,000 messages an added, edited or marked message changes one entry."""
    thread = chain(range(2_000))
    entry_list = EntryList(CONTEXT)
    entry_list.reset(thread, CONTEXT)

    added = entry_list.change([message(2_000)])
    edited = entry_list.change([message(7, "edited")])
    again = entry_list.change([message(7, "edited")])
    marked = entry_list.change(context=replace(CONTEXT, unread=frozenset({message_id(9)})))

    assert (added.start, added.stop, len(added.entries)) == (2_000, 2_000, 1)
    assert (edited.start, edited.stop, len(edited.entries)) == (7, 8, 1)
    assert again.changes_nothing
    assert [entry.unread for entry in marked.entries] == [True]


def test_a_second_reply_to_the_root_changes_no_other_entry() -> None:
    """A branch that begins adds its entry and touches none of those above."""
    entry_list = EntryList(CONTEXT)
    entry_list.reset(chain(range(50)), CONTEXT)
    splice = entry_list.change([message(50, depth=2, parent_id=message_id(0))])

    assert (splice.start, splice.stop) == (50, 50)
    assert [entry.branch_level for entry in splice.entries] == [1]


def test_an_edited_parent_changes_the_quotes_of_its_replies() -> None:
    """A reply further down quotes the new text."""
    entry_list = EntryList(CONTEXT)
    reply = message(2, depth=2, parent_id=message_id(0))
    entry_list.reset([message(0), message(1), reply], CONTEXT)
    entry_list.change([message(0, "new text")])

    assert entry_list.entries[2].quote == Quote("ana", "new text")


def test_an_unconfirmed_message_is_replaced_in_its_place() -> None:
    """A path after the parent's branch places it there; the confirmed one takes its place."""
    parent = message(1, path="m/1", depth=2)
    others = [message(0, path="m"), parent, message(2, path="m/1/1", depth=3)]
    sibling = message(3, path="m/2", depth=2, parent_id=message_id(0))
    pending = message(70, path="m/1\x7f000000", depth=3, parent_id=parent.id)
    entry_list = EntryList(CONTEXT)
    entry_list.reset([*others, sibling], CONTEXT)
    entry_list.change([pending], context=replace(CONTEXT, pending=frozenset({pending.id})))
    shown = [entry.id for entry in entry_list.entries]
    confirmed = structs.replace(pending, id=message_id(4), path="m/1/2")
    splice = entry_list.change([confirmed], [pending.id], CONTEXT)

    assert shown == [*(m.id for m in others), pending.id, sibling.id]
    assert (splice.start, splice.stop) == (3, 4)
    assert [entry.pending for entry in splice.entries] == [False]


def test_a_message_may_get_another_path() -> None:
    """An unconfirmed message is moved when one before it was confirmed."""
    entry_list = EntryList(CONTEXT)
    entry_list.reset(
        [message(0, path="m"), message(1, path="m\x7f1"), message(2, path="n")], CONTEXT
    )
    entry_list.change([message(1, path="o")])

    assert [entry.message.path for entry in entry_list.entries] == ["m", "n", "o"]
    assert entry_list.index(message_id(1)) == 2


def test_a_fold_hides_messages_that_arrive_in_it() -> None:
    """A new message in a folded branch is hidden and counted."""
    entry_list = EntryList(CONTEXT)
    entry_list.reset(chain(range(4)), CONTEXT)
    entry_list.fold(message_id(1))
    unread = replace(CONTEXT, unread=frozenset({message_id(4)}))
    changed: list[Entry] = entry_list.change([message(4)], context=unread).entries

    assert (changed[0].id, changed[0].folded, changed[0].folded_unread) == (message_id(1), 3, 1)
    assert changed[-1].hidden


def test_a_message_that_is_not_there_has_no_index() -> None:
    """An unknown id raises KeyError."""
    with pytest.raises(KeyError):
        EntryList(CONTEXT).index(message_id(1))
