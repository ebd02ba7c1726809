"""Snapshots make a state: the conversation, who is in it, its threads, and their pages.

A snapshot tells the position it was read at, before its data. What it says of a message holds
unless an event with a higher number told otherwise, so pages may be fetched while events come in.
"""

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
from rustygpt_shared.models.messages import MessageView, ReadMarkerResult
from rustygpt_shared.models.messages import ThreadPage as TreePage
from rustygpt_shared.models.presence import PresenceList
from rustygpt_tui.store.apply import insert_thread, set_unread, without
from rustygpt_tui.store.state import UNREAD_MAX, Changes, State
from rustygpt_tui.store.tree import MessageTree


class SnapshotSource(Protocol):
    """Where snapshots come from: the client, or anything that answers like it."""

    async def show_conversation(self, id: UUID) -> Conversation:
        """One conversation, with its position."""
        ...

    async def list_participants(self, id: UUID) -> ParticipantList:
        """Who is in it."""
        ...

    async def list_threads(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadList:
        """A page of its threads."""
        ...

    async def list_unread(self, id: UUID) -> UnreadList:
        """What the reader has not read."""
        ...

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> TreePage:
        """A page of a thread."""
        ...


async def load(source: SnapshotSource, conversation_id: UUID, me: UUID) -> State:
    """A conversation with its first page of threads and no messages; raises what `source` does."""
    shown = await source.show_conversation(conversation_id)
    state = State(
        me, convert(shown, ConversationInfo, from_attributes=True), shown.last_event_id or ""
    )
    state = with_participants(state, await source.list_participants(conversation_id))
    state = with_threads(state, await source.list_threads(conversation_id))
    return with_unread(state, await source.list_unread(conversation_id))


async def reload(source: SnapshotSource, old: State) -> State:
    """The same conversation fetched anew, to the same extent: after a reset."""
    state = await load(source, old.info.id, old.me)
    while state.threads_cursor and len(state.threads) < len(old.threads):
        page = await source.list_threads(state.info.id, cursor=state.threads_cursor)
        state = with_threads(state, page)
    for root_id, tree in old.trees.items():
        state = with_tree(state, await source.list_tree(root_id))
        while (cursor := state.trees[root_id].cursor) and _knew_more(state.trees[root_id], tree):
            state = with_tree(state, await source.list_tree(root_id, cursor=cursor))
    return replace(state, errors=old.errors)


def _knew_more(tree: MessageTree, old: MessageTree) -> bool:
    """Whether more of a thread was known before than is now."""
    return old.cursor is None or len(tree) < len(old)


async def fetch_missing(source: SnapshotSource, state: State, changes: Changes) -> State:
    """The state with what `changes.lacking` names fetched.

    Meant for a reader that waits for it before it applies the next event; one that does not takes
    the `with_` functions.
    """
    if "all" in changes.needs_fetch:
        return await reload(source, state)
    if "participants" in changes.needs_fetch:
        state = with_participants(state, await source.list_participants(state.info.id))
    if "threads" in changes.needs_fetch:
        state = with_threads(state, await source.list_threads(state.info.id), first=True)
    return state


def with_participants(state: State, answer: ParticipantList) -> State:
    """The state with who is in the conversation, and who of them is there."""
    people = {p.user_id: convert(p, Participant, from_attributes=True) for p in answer.participants}
    presence = {p.user_id: p.presence for p in answer.participants}
    return replace(state, participants=people, presence=presence)


def with_presence(state: State, answer: PresenceList) -> State:
    """The state with who is there and who is writing, in place of all that was told before."""
    return replace(
        state,
        presence={one.user_id: one.status for one in answer.users},
        typing={one.user_id: one.root_id for one in answer.typing if one.user_id != state.me},
    )


def with_threads(state: State, page: ThreadList, *, first: bool = False) -> State:
    """The state with a page of threads; `with_unread` has the counts.

    `first` says that it is the first page fetched once more, after which `threads_cursor` stays.
    """
    again = first and bool(state.threads)
    for summary in page.threads:
        known = state.thread(summary.root_id)
        if known is None or known.last_activity_at <= summary.last_activity_at:
            state, _ = insert_thread(state, convert(summary, ThreadInfo, from_attributes=True))
    return state if again else replace(state, threads_cursor=page.next_cursor)


def with_unread(state: State, answer: UnreadList) -> State:
    """The state with the reader's counts, which take the place of all earlier ones."""
    counts = {t.root_id: t.unread for t in answer.threads if t.unread}
    return replace(state, unread=counts, unread_as_of=_number(answer.last_event_id))


def with_read_marker(state: State, answer: ReadMarkerResult, message_id: UUID) -> State:
    """The state with what is left unread after the reader's mark moved to a message.

    What came meanwhile may not be in the answer yet: what is known to stand after the message
    counts in any case.
    """
    tree = state.trees.get(answer.root_id)
    last_read = tree.get(message_id) if tree else None
    after = 0
    if tree and last_read and tree.newest and tree.newest.seq > last_read.seq:
        after = sum(_is_unread(state, message, last_read.seq) for message in tree)
    return set_unread(state, answer.root_id, min(UNREAD_MAX, max(answer.unread, after)))[0]


def _is_unread(state: State, message: MessageView, read_up_to: int) -> bool:
    """Whether a message is unread to somebody whose mark stands at a `seq`."""
    others = message.author_user_id != state.me and message.deleted_at is None
    return others and message.seq > read_up_to


def with_tree(state: State, page: TreePage) -> State:
    """The state with the next page of a thread, which becomes a loaded one with its first."""
    tree = state.trees.get(page.root_id) or _tree_from_unplaced(state, page.root_id)
    filled = tree.put_page(page.messages, _number(page.last_event_id), page.next_cursor)
    partials = state.partials
    for message in page.messages:
        if not message.streaming:
            partials = without(partials, message.id)
    unplaced = {k: v for k, v in state.unplaced.items() if v[0].root_id != page.root_id}
    trees = {**state.trees, page.root_id: filled}
    return replace(state, trees=trees, partials=partials, unplaced=unplaced)


def without_tree(state: State, root_id: UUID) -> State:
    """The state with a thread's messages let go, to be loaded again when needed."""
    return replace(state, trees=without(state.trees, root_id))


def _tree_from_unplaced(state: State, root_id: UUID) -> MessageTree:
    """A tree of what events told of a thread before its first page came."""
    tree = MessageTree(root_id)
    for message, number in state.unplaced.values():
        if message.root_id == root_id:
            tree = tree.put(message, number)
    return tree


def _number(position: str) -> int:
    number = event_number(position)
    return -1 if number is None else number
