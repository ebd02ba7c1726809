"""Build a state from snapshots: the conversation, its participants, its threads and their pages.

A snapshot carries the position at which it was read, taken before its data. What it contains of a
message is used unless an event with a higher number changed the message, so pages may be fetched
while events arrive.
"""

from dataclasses import replace
from typing import Protocol
from uuid import UUID

from msgspec import convert

from rustygpt_shared.ids import event_number
from rustygpt_shared.models.conversations import (
    UNREAD_MAX,
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
from rustygpt_tui.store.apply import insert_thread, set_unread, without
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.store.tree import MessageTree


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

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadPage:
        """Return a page of a thread's messages."""
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
    """Return the same conversation fetched again, with as many threads and messages as before."""
    state = await load(source, old.info.id, old.me)
    state = await _reload_threads(source, state, len(old.threads))
    for tree in old.trees.values():
        state = await _reload_tree(source, state, tree)
    return replace(state, errors=old.errors)


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


async def _reload_tree(source: SnapshotSource, state: State, old: MessageTree) -> State:
    """Fetch pages of a thread until the state has as many of its messages as `old`."""

    async def fetch(cursor: str | None) -> ThreadPage:
        return await source.list_tree(old.root_id, cursor=cursor)

    async for page in pages(fetch):
        state = with_tree(state, page)
        was_complete = old.cursor is None
        if not was_complete and len(state.trees[old.root_id]) >= len(old):
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
    """Return the state with a page of threads; `with_unread` adds the counts.

    `first` means that the page is the first one, fetched again: `threads_cursor` then stays.
    """
    fetched_again = first and bool(state.threads)
    for summary in page.threads:
        loaded = state.thread(summary.root_id)
        if loaded is None or loaded.last_activity_at <= summary.last_activity_at:
            state, _ = insert_thread(state, convert(summary, ThreadInfo, from_attributes=True))
    return state if fetched_again else replace(state, threads_cursor=page.next_cursor)


def with_unread(state: State, snapshot: UnreadList) -> State:
    """Return the state with these unread counts instead of all earlier ones."""
    counts = {t.root_id: t.unread for t in snapshot.threads if t.unread}
    return replace(state, unread=counts, unread_as_of=_number(snapshot.last_event_id))


def with_read_marker(state: State, result: ReadMarkerResult, message_id: UUID) -> State:
    """Return the state with the unread count after the read marker moved to a message.

    The result may lack messages that arrived meanwhile, so the count is never lower than the
    number of loaded messages after the marker.
    """
    tree = state.trees.get(result.root_id)
    last_read = tree.get(message_id) if tree else None
    after = 0
    if tree and last_read and tree.newest and tree.newest.seq > last_read.seq:
        after = sum(_is_unread(state, message, last_read.seq) for message in tree)
    return set_unread(state, result.root_id, min(UNREAD_MAX, max(result.unread, after)))[0]


def _is_unread(state: State, message: MessageView, read_up_to: int) -> bool:
    """Return True when a message is unread with the read marker at the `seq` `read_up_to`."""
    from_another = message.author_user_id != state.me and message.deleted_at is None
    return from_another and message.seq > read_up_to


def with_tree(state: State, page: ThreadPage) -> State:
    """Return the state with the next page of a thread; the first page makes the thread loaded."""
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
    """Return the state without a thread's messages; they are loaded again when needed."""
    return replace(state, trees=without(state.trees, root_id))


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
