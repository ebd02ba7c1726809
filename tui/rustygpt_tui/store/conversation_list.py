"""The list of the user's conversations: snapshots start it, events keep it current.

It holds what the list shows of every conversation, whether its messages are loaded or not: title,
latest activity, unread count. A row knows the number of the event up to which it is current, so
snapshots may overlap the stream. Loaded conversations are in `state`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from msgspec import structs

from rustygpt_shared.events import (
    ConversationDeleted,
    ConversationUpdated,
    Event,
    MembershipChanged,
    MessageNew,
    MessageUpdated,
    StreamOpen,
    StreamReset,
    ThreadActivity,
    ThreadNew,
    UnreadUpdate,
)
from rustygpt_shared.ids import event_number
from rustygpt_shared.models.conversations import UNREAD_MAX, Conversation, UnreadList
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.store.conversation_of import conversation_of

EXCERPT_LENGTH = 240


@dataclass(frozen=True, slots=True)
class ListedConversation:
    """A conversation in the list."""

    conversation: Conversation
    number: int
    """The number of the last event that the row contains."""
    threads: Mapping[UUID, int] | None = None
    """The unread counts by root, once an event made them necessary."""
    threads_as_of: int = -1
    """The number of the event up to which `threads` was fetched."""


@dataclass(frozen=True, slots=True)
class ConversationListState:
    """The conversations that are fetched, by id."""

    me: UUID
    rows: Mapping[UUID, ListedConversation] = field(default_factory=dict)
    unlisted: frozenset[UUID] = frozenset()
    """Conversations with events that the fetched list does not have, such as archived ones."""

    @property
    def conversations(self) -> list[Conversation]:
        """The conversations, latest activity first."""
        conversations = (row.conversation for row in self.rows.values())
        return sorted(conversations, key=lambda c: (c.last_activity_at, c.id), reverse=True)


@dataclass(frozen=True, slots=True)
class ListChanges:
    """What an event changed in the list, and what has to be fetched."""

    rows: bool = False
    """True when a row changed."""
    needs_list: bool = False
    """True when a conversation was joined or events were lost: fetch the list again."""
    needs_unread: frozenset[UUID] = frozenset()
    """Conversations whose unread counts by thread have to be fetched, for `with_thread_counts`."""


Transition = tuple[ConversationListState, ListChanges]
NO_CHANGES = ListChanges()
CHANGED = ListChanges(rows=True)
FETCH = ListChanges(needs_list=True)


def with_page(state: ConversationListState, page: Iterable[Conversation]) -> ConversationListState:
    """Return the list with fetched rows; a row that events made newer than the page stays."""
    rows = dict(state.rows)
    for conversation in page:
        number = event_number(conversation.last_event_id or "") or 0
        before = rows.get(conversation.id)
        if before is None or before.number <= number:
            rows[conversation.id] = ListedConversation(conversation, number)
    return replace(state, rows=rows)


def apply_to_list(state: ConversationListState, event: Event) -> Transition:
    """Return the list after an event, and what changed."""
    match event:
        case StreamOpen(payload=payload):
            return state, _compare(state, payload.positions or {})
        case StreamReset(payload=payload):
            return _on_reset(state, payload.conversation_id, payload.reason)
        case MembershipChanged(payload=payload) if payload.user_id == state.me:
            if payload.action == "removed":
                return without_conversation(state, payload.conversation_id)
            return state, FETCH
        case ConversationDeleted(payload=payload):
            return without_conversation(state, payload.conversation_id)
        case _:
            return _apply_to_row(state, event)


def without_conversation(state: ConversationListState, id: UUID) -> Transition:
    """Return the list without a conversation."""
    if id not in state.rows:
        return state, NO_CHANGES
    return replace(state, rows={k: row for k, row in state.rows.items() if k != id}), CHANGED


def with_thread_counts(
    state: ConversationListState, id: UUID, snapshot: UnreadList
) -> ConversationListState:
    """Return the list with the unread counts of a conversation by thread."""
    row = state.rows.get(id)
    if row is None:
        return state
    counts = {thread.root_id: thread.unread for thread in snapshot.threads}
    number = event_number(snapshot.last_event_id) or 0
    row = _counted(replace(row, threads=counts, threads_as_of=number))
    return replace(state, rows={**state.rows, id: row})


def _compare(state: ConversationListState, positions: Mapping[UUID, str]) -> ListChanges:
    """Return whether the stream begins after events that rows lack, or has other conversations."""
    numbers = {id_: event_number(position) or 0 for id_, position in positions.items()}
    is_behind = any(row.number < numbers.get(id_, 0) for id_, row in state.rows.items())
    return FETCH if is_behind or numbers.keys() - state.rows.keys() else NO_CHANGES


def _on_reset(state: ConversationListState, id: UUID | None, reason: str) -> Transition:
    if reason == "removed" and id is not None:
        return without_conversation(state, id)
    return state, FETCH


def _apply_to_row(state: ConversationListState, event: Event) -> Transition:
    id_ = conversation_of(event)
    row = state.rows.get(id_) if id_ else None
    if id_ is None or row is None:
        return _on_unlisted(state, id_, event)
    if isinstance(event, ConversationUpdated) and event.payload.conversation.archived_at:
        return without_conversation(state, id_)
    if isinstance(event, UnreadUpdate):
        return _on_unread(state, row, event)
    number = event_number(event.id or "")
    if number is None or number <= row.number:
        return state, NO_CHANGES
    changed = replace(_changed(state, row, event, number), number=number)
    is_shown = changed.conversation is not row.conversation
    after = replace(state, rows={**state.rows, id_: changed})
    return after, CHANGED if is_shown else NO_CHANGES


def _on_unlisted(state: ConversationListState, id: UUID | None, event: Event) -> Transition:
    """Ask once for the list when a conversation that it lacks is active."""
    is_known = id in state.unlisted and not isinstance(event, ConversationUpdated)
    if id is None or event.id is None or is_known:
        return state, NO_CHANGES
    return replace(state, unlisted=state.unlisted | {id}), FETCH


def _changed(
    state: ConversationListState, row: ListedConversation, event: Event, number: int
) -> ListedConversation:
    """Return a row after a durable event of its conversation."""
    conversation = row.conversation
    match event:
        case MessageNew(payload=payload):
            return _with_message(state, row, payload.message, number)
        case MessageUpdated(payload=payload) if payload.change is None:
            return replace(row, conversation=_with_excerpt(conversation, payload.message))
        case ThreadNew(payload=payload):
            latest = payload.summary.last_activity_at
        case ThreadActivity(payload=payload):
            latest = payload.last_activity_at
        case ConversationUpdated(payload=payload):
            fields = structs.asdict(payload.conversation)
            fields["last_message_excerpt"] = payload.last_message_excerpt
            return replace(row, conversation=structs.replace(conversation, **fields))
        case MembershipChanged(payload=payload) if payload.action != "role_updated":
            count = conversation.participant_count + (1 if payload.action == "added" else -1)
            updated = structs.replace(conversation, participant_count=count)
            return replace(row, conversation=updated)
        case _:
            return row
    if latest <= conversation.last_activity_at:
        return row
    return replace(row, conversation=structs.replace(conversation, last_activity_at=latest))


def _with_message(
    state: ConversationListState, row: ListedConversation, message: MessageView, number: int
) -> ListedConversation:
    row = replace(row, conversation=_with_excerpt(row.conversation, message))
    if message.author_user_id == state.me or message.deleted_at:
        return row
    if row.threads is None:
        unread = min(UNREAD_MAX, row.conversation.unread + 1)
        return replace(row, conversation=structs.replace(row.conversation, unread=unread))
    if number <= row.threads_as_of:
        return row
    count = min(UNREAD_MAX, row.threads.get(message.root_id, 0) + 1)
    return _counted(replace(row, threads={**row.threads, message.root_id: count}))


def _with_excerpt(conversation: Conversation, message: MessageView) -> Conversation:
    excerpt = message.content[:EXCERPT_LENGTH] or conversation.last_message_excerpt
    latest = max(conversation.last_activity_at, message.created_at)
    return structs.replace(conversation, last_message_excerpt=excerpt, last_activity_at=latest)


def _on_unread(
    state: ConversationListState, row: ListedConversation, event: UnreadUpdate
) -> Transition:
    """Set the count of one thread; the total is known only with the counts of the others."""
    update = event.payload
    if update.user_id != state.me:
        return state, NO_CHANGES
    if row.threads is None:
        return state, ListChanges(needs_unread=frozenset({update.conversation_id}))
    if row.threads.get(update.root_id, 0) == update.unread:
        return state, NO_CHANGES
    row = _counted(replace(row, threads={**row.threads, update.root_id: update.unread}))
    return replace(state, rows={**state.rows, update.conversation_id: row}), CHANGED


def _counted(row: ListedConversation) -> ListedConversation:
    """Return the row with the total of its threads' counts."""
    total = min(UNREAD_MAX, sum((row.threads or {}).values()))
    if total == row.conversation.unread:
        return row
    return replace(row, conversation=structs.replace(row.conversation, unread=total))
