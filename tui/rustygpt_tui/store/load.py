"""Build a state from snapshots: the conversation, its participants, its threads and their pages.

A snapshot carries the position at which it was read, taken before its data. What it contains of a
message is used unless an event with a higher number changed the message, so pages may be fetched
while events arrive.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from msgspec import convert

from rustygpt_shared.ids import event_number
from rustygpt_shared.models.conversations import (
    Conversation,
    ConversationInfo,
    Participant,
    ParticipantList,
    ThreadInfo,
    ThreadList,
    UnreadList,
)
from rustygpt_shared.models.messages import MessageView, ReadMarkerResult, ThreadPage
from rustygpt_shared.models.presence import PresenceList
from rustygpt_tui.paging import pages
from rustygpt_tui.store import reading
from rustygpt_tui.store.apply import insert_thread, with_mark, with_reading, without
from rustygpt_tui.store.reading import Reading
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.store.tree import END, MessageTree, PathRange

THREAD_END = "z" * 16
"""Requests the page at the end of a thread: it sorts after every path that the server assigns."""


class SnapshotSource(Protocol):
    """Where snapshots come from: the client, or a fake with the same methods."""

    async def show_conversation(self, id: UUID) -> Conversation:
        """Return a conversation with its position."""
        ...

    async def list_participants(self, id: UUID) -> ParticipantList:
        """Return the participants of a conversation."""
        ...

    async def list_threads(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadList:
        """Return a page of a conversation's threads."""
        ...

    async def list_unread(self, id: UUID) -> UnreadList:
        """Return the caller's unread counts in a conversation."""
        ...


async def load(source: SnapshotSource, conversation_id: UUID, me: UUID) -> State:
    """Return a conversation with its first page of threads and no messages.

    `me` is the id of the reader. Raises what `source` raises.
    """
    conversation = await source.show_conversation(conversation_id)
    info = convert(conversation, ConversationInfo, from_attributes=True)
    state = State(me, info, conversation.last_event_id or "")
    state = with_participants(state, await source.list_participants(conversation_id))
    state = with_threads(state, await source.list_threads(conversation_id))
    return with_unread(state, await source.list_unread(conversation_id))


async def reload(source: SnapshotSource, old: State) -> State:
    """Return the same conversation fetched again, with as many threads as before.

    No messages are loaded: a thread is fetched again, around the same place, when it is shown.
    """
    state = await load(source, old.info.id, old.me)
    readings = {
        root_id: reading.with_seen(after, old.readings[root_id].seen)
        if root_id in old.readings and after.read_seq >= old.readings[root_id].read_seq
        else after
        for root_id, after in state.readings.items()
    }
    state = replace(state, readings=readings)
    return await _reload_threads(source, state, len(old.threads))


async def _reload_threads(source: SnapshotSource, state: State, count: int) -> State:
    """Fetch further pages of threads until the state has `count` threads."""
    conversation_id = state.info.id

    async def fetch(cursor: str | None) -> ThreadList:
        return await source.list_threads(conversation_id, cursor=cursor)

    if state.threads_cursor is None or len(state.threads) >= count:
        return state
    async for page in pages(fetch, state.threads_cursor):
        state = with_threads(state, page)
        if len(state.threads) >= count:
            break
    return state


async def fetch_missing(source: SnapshotSource, state: State, changes: Changes) -> State:
    """Return the state with what `changes.needs_fetch` names fetched.

    For callers that wait for it before they apply the next event. Callers that apply events
    meanwhile use the `with_` functions.
    """
    if "all" in changes.needs_fetch:
        return await reload(source, state)
    if "participants" in changes.needs_fetch:
        state = with_participants(state, await source.list_participants(state.info.id))
    if "threads" in changes.needs_fetch:
        state = with_threads(state, await source.list_threads(state.info.id), first=True)
    return state


def with_participants(state: State, snapshot: ParticipantList) -> State:
    """Return the state with these participants and their presence."""
    listed = snapshot.participants
    participants = {p.user_id: convert(p, Participant, from_attributes=True) for p in listed}
    presence = {p.user_id: p.presence for p in listed}
    return replace(state, participants=participants, presence=presence)


def with_presence(state: State, snapshot: PresenceList) -> State:
    """Return the state with this presence and these typing indicators instead of earlier ones."""
    presence = {user.user_id: user.status for user in snapshot.users}
    typing = {t.user_id: t.root_id for t in snapshot.typing if t.user_id != state.me}
    return replace(state, presence=presence, typing=typing)


def with_threads(state: State, page: ThreadList, *, first: bool = False) -> State:
    """Return the state with a page of threads, and the reader's marks in them.

    `first` means that the page is the first one, fetched again: `threads_cursor` then stays.
    """
    fetched_again = first and bool(state.threads)
    number = _number(page.last_event_id)
    for summary in page.threads:
        loaded = state.thread(summary.root_id)
        if loaded is None or loaded.last_activity_at <= summary.last_activity_at:
            state, _ = insert_thread(state, convert(summary, ThreadInfo, from_attributes=True))
        if summary.root_id not in state.readings and number >= state.unread_as_of:
            state, _ = with_mark(state, summary.root_id, summary.read_seq, summary.unread)
    return state if fetched_again else replace(state, threads_cursor=page.next_cursor)


def with_unread(state: State, snapshot: UnreadList, *, requested: State | None = None) -> State:
    """Return the state with these unread counts instead of all earlier ones.

    `requested` is the state when the snapshot was requested after a gap in the stream. Marks that
    were reported since then stay. As events of marks may be lost in the gap, the marks of threads
    without unread messages, which the snapshot does not name, are fetched before they are used.
    """
    unread = {t.root_id: t for t in snapshot.threads}
    readings = dict(state.readings)
    for root_id in readings.keys() | unread.keys():
        before = readings.get(root_id, Reading())
        listed = unread.get(root_id)
        known = requested.readings.get(root_id, Reading()) if requested else before
        if known.mark_version != before.mark_version:
            continue
        if listed:
            readings[root_id] = reading.with_mark(before, listed.read_seq, listed.unread)
        elif requested or before.count:
            readings[root_id] = reading.with_nothing_unread(before)
    return replace(state, readings=readings, unread_as_of=_number(snapshot.last_event_id))


def with_mark_result(state: State, result: ReadMarkerResult) -> State:
    """Return the state after the reader's mark in a thread was moved by a request.

    The response may lack messages that arrived meanwhile, which are still counted.
    """
    before = state.readings.get(result.root_id, Reading())
    after = reading.with_mark(before, result.read_seq, result.unread)
    if after.is_complete:
        after = replace(after, unread=sum(message.counts for message in after.ahead))
    return with_reading(state, result.root_id, after)[0]


def with_ahead(state: State, page: ThreadPage, *, after_seq: int) -> State:
    """Return the state with the next page of a thread's messages above the reader's mark.

    `after_seq` is the `seq` that the page was requested after. The messages are kept without a
    range, as their neighbours in the tree may be missing.
    """
    number = _number(page.last_event_id)
    tree = state.trees.get(page.root_id) or _tree_from_unplaced(state, page.root_id)
    tree = tree.put_all(page.messages, number)
    state = _with_tree(state, tree, page.messages)
    before = state.readings.get(page.root_id, Reading())
    if not before.is_mark_known or before.next_after < after_seq:
        return state  # the mark may have moved back: messages before the page would be missing
    more = page.next_cursor is not None
    current = [tree.get(message.id) or message for message in page.messages]
    after = reading.with_page(before, current, state.me, more=more)
    if not more:  # events may have brought further messages before the page arrived
        applied = _applied_after(tree, after.next_after, _number(state.position))
        after = reading.with_page(after, applied, state.me, more=False)
    return with_reading(state, page.root_id, after)[0]


def _applied_after(tree: MessageTree, seq: int, position: int) -> list[MessageView]:
    """Return the messages above `seq` whose events were applied, in the order of `seq`.

    A page that was read later may have replaced such a message; it has no gap before it then, as
    the events of further messages of such a page are not applied yet.
    """
    applied: list[MessageView] = []
    for message in sorted((m for m in tree if m.seq > seq), key=lambda m: m.seq):
        if message.seq == seq + 1 or tree.event_number_of(message.id) <= position:
            applied.append(message)
            seq = message.seq
    return applied


def with_tree(
    state: State, page: ThreadPage, *, after: str | None = None, before: str | None = None
) -> State:
    """Return the state with a page of a thread.

    `after` and `before` are the paths that the page was requested after or before.
    """
    tree = state.trees.get(page.root_id) or _tree_from_unplaced(state, page.root_id)
    loaded = _range_of(page, after, before)
    tree = tree.put_page(page.messages, _number(page.last_event_id), loaded)
    return _with_tree(state, tree, page.messages)


def _range_of(page: ThreadPage, after: str | None, before: str | None) -> PathRange:
    """Return the part of the thread that a page is all of."""
    start = page.messages[0].path if page.prev_cursor and page.messages else ""
    end = page.messages[-1].path if page.next_cursor and page.messages else END
    if before == THREAD_END:
        before = END
    return PathRange(start if after is None else after, end if before is None else before)


def _with_tree(state: State, tree: MessageTree, messages: Iterable[MessageView]) -> State:
    """Return the state with a changed tree, which now holds these fetched messages."""
    partials = state.partials
    for message in messages:
        if not message.streaming:
            partials = without(partials, message.id)
    unplaced = {k: v for k, v in state.unplaced.items() if v[0].root_id != tree.root_id}
    trees = {**state.trees, tree.root_id: tree}
    return replace(state, trees=trees, partials=partials, unplaced=unplaced)


def _tree_from_unplaced(state: State, root_id: UUID) -> MessageTree:
    """Return a tree of the messages that events brought before the thread's first page."""
    tree = MessageTree(root_id)
    for message, number in state.unplaced.values():
        if message.root_id == root_id:
            tree = tree.put(message, number)
    return tree


def _number(position: str) -> int:
    number = event_number(position)
    return -1 if number is None else number
