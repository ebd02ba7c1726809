"""Apply events to a state: each event makes a new state, for the screens and for commands alike.

The law: a state plus events equals the state fetched afresh. Events arrive in the order of their
numbers; one whose number the state already contains is skipped, so snapshots may overlap the
stream. Numbers have no gaps: an event beyond the next one means that events were lost. `apply` is
pure except that it extends the text of answers in progress (`partial_answer`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, assert_never
from uuid import UUID

from msgspec import structs

from rustygpt_shared.events import (
    AnswerStatus,
    AnswerStatusPayload,
    ConversationDeleted,
    ConversationUpdated,
    ErrorEvent,
    Event,
    MembershipChanged,
    MembershipChangedPayload,
    MessageDelta,
    MessageDeltaPayload,
    MessageDone,
    MessageDonePayload,
    MessageNew,
    MessageUpdated,
    PresenceUpdate,
    StreamClosed,
    StreamOpen,
    StreamReset,
    ThreadActivity,
    ThreadActivityPayload,
    ThreadNew,
    TypingUpdate,
    TypingUpdatePayload,
    UnreadUpdate,
    UnreadUpdatePayload,
)
from rustygpt_shared.ids import event_number
from rustygpt_shared.models.conversations import ThreadInfo
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import TYPING_STOPPED, UserPresence
from rustygpt_tui.store import reading
from rustygpt_tui.store.partial_answer import PartialAnswer
from rustygpt_tui.store.reading import Reading
from rustygpt_tui.store.state import UNPLACED_MAX, Changes, State

K = TypeVar("K")
V = TypeVar("V")
Transition = tuple[State, Changes]

NO_CHANGES = Changes()
_AFTER_ALL_EVENTS = 1 << 63


def apply(state: State, event: Event) -> Transition:
    """Return the state after an event, and what changed."""
    ahead = _distance(state.position, event.id) if event.id is not None else None
    if ahead is not None and ahead <= 0:
        return state, NO_CHANGES
    if ahead is not None and ahead > 1 and not isinstance(event, StreamOpen | StreamReset):
        return state, Changes(needs_fetch=frozenset({"all"}))
    after, changes = _change(state, event)
    if event.id is not None:
        after = replace(after, position=event.id)
    return after, changes


def _distance(position: str, event_id: str) -> int | None:
    """Return how many numbers an event is beyond a position; None for ids of another form."""
    number = event_number(event_id)
    before = event_number(position)
    return None if number is None or before is None else number - before


def _number(event_id: str | None) -> int:
    """Return the number of a durable event; ids of another form count as newer than all."""
    number = event_number(event_id or "")
    return _AFTER_ALL_EVENTS if number is None else number


def _change(state: State, event: Event) -> Transition:  # noqa: C901, PLR0912 - one case per event
    match event:
        case ThreadNew(payload=payload):
            return insert_thread(state, payload.summary)
        case ThreadActivity(payload=payload):
            return _on_thread_activity(state, payload)
        case MessageNew(payload=payload, id=event_id):
            return _on_new_message(state, payload.message, _number(event_id))
        case MessageUpdated(payload=payload, id=event_id):
            return _on_updated_message(state, payload.message, _number(event_id))
        case MessageDelta(payload=payload):
            return _on_delta(state, payload)
        case AnswerStatus(payload=payload):
            return _on_status(state, payload)
        case MessageDone(payload=payload, id=event_id):
            return _on_done(state, payload, _number(event_id))
        case MembershipChanged(payload=payload):
            return _on_membership(state, payload)
        case ConversationUpdated(payload=payload):
            return replace(state, info=payload.conversation), Changes(info=True)
        case ConversationDeleted():
            return replace(state, left=True, deleted=True), Changes(left=True)
        case ErrorEvent():
            return state, NO_CHANGES  # the message has the reason, too
        case UnreadUpdate() | PresenceUpdate() | TypingUpdate():
            return _on_transient(state, event)
        case StreamOpen() | StreamReset() | StreamClosed():
            return _on_stream(state, event)
        case _:
            assert_never(event)


def _on_stream(state: State, event: StreamOpen | StreamReset | StreamClosed) -> Transition:
    match event:
        case StreamOpen():
            return state, NO_CHANGES
        case StreamReset():
            return state, Changes(needs_fetch=frozenset({"all"}))
        case StreamClosed(payload=payload):
            left = payload.reason in {"removed", "deleted"}
            return replace(state, left=state.left or left), Changes(left=left)
        case _:
            assert_never(event)


def _on_transient(state: State, event: UnreadUpdate | PresenceUpdate | TypingUpdate) -> Transition:
    match event:
        case UnreadUpdate(payload=payload):
            return _on_unread(state, payload)
        case PresenceUpdate(payload=payload):
            return _on_presence(state, payload)
        case TypingUpdate(payload=payload):
            return _on_typing(state, payload)
        case _:
            assert_never(event)


def insert_thread(state: State, thread: ThreadInfo) -> Transition:
    """Return the state with a thread's summary inserted, or moved, to its position in the list."""
    others = [other for other in state.threads if other.root_id != thread.root_id]
    older = (i for i, other in enumerate(others) if _sort_key(other) < _sort_key(thread))
    index = next(older, len(others))
    threads = (*others[:index], thread, *others[index:])
    return replace(state, threads=threads), Changes(threads=frozenset({thread.root_id}))


def _sort_key(thread: ThreadInfo) -> tuple[Any, UUID]:
    return thread.last_activity_at, thread.root_id


def _on_thread_activity(state: State, activity: ThreadActivityPayload) -> Transition:
    thread = state.thread(activity.root_id)
    if thread is None:
        return state, Changes(needs_fetch=frozenset({"threads"}))
    updated = structs.replace(
        thread,
        last_activity_at=activity.last_activity_at,
        message_count=activity.message_count,
        participant_count=activity.participant_count,
        root_excerpt=activity.root_excerpt,
    )
    return insert_thread(state, updated)


def _on_new_message(state: State, message: MessageView, number: int) -> Transition:
    """Add a message and count it as unread until the server sends its own count."""
    state, changes = _upsert_message(state, message, number)
    if message.author_user_id and state.typing.get(message.author_user_id) == message.root_id:
        state, stopped = _stop_typing(state, message.author_user_id)
        changes |= stopped
    is_counted = number <= state.unread_as_of
    before = state.readings.get(message.root_id)
    if before is None and (is_counted or message.author_user_id == state.me):
        return state, changes
    before = before or Reading(is_mark_known=False)
    after = reading.with_new_message(before, message, state.me, is_counted=is_counted)
    state, counted = with_reading(state, message.root_id, after)
    return state, changes | counted


def _on_updated_message(state: State, message: MessageView, number: int) -> Transition:
    known = state.message(message.id) or state.unplaced.get(message.id, (None, 0))[0]
    state, changes = _upsert_message(state, message, number)
    before = state.readings.get(message.root_id)
    if before is None or (number <= state.unread_as_of and not before.ahead):
        return state, changes
    was_deleted = known is not None and known.deleted_at is not None
    after = reading.with_changed_message(before, message, state.me, was_deleted=was_deleted)
    state, counted = with_reading(state, message.root_id, after)
    return state, changes | counted


def _upsert_message(state: State, message: MessageView, number: int) -> Transition:
    if not message.streaming:
        state = replace(
            state,
            partials=without(state.partials, message.id),
            statuses=without(state.statuses, message.id),
        )
    tree = state.trees.get(message.root_id)
    if tree is None:
        return _keep_unplaced(state, message, number), NO_CHANGES
    if tree.event_number_of(message.id) > number:
        return state, NO_CHANGES
    trees = {**state.trees, message.root_id: tree.put(message, number)}
    changes = Changes(
        messages=frozenset({message.id}), threads_of_messages=frozenset({message.root_id})
    )
    return replace(state, trees=trees), changes


def _keep_unplaced(state: State, message: MessageView, number: int) -> State:
    """Keep a message of a thread that is not loaded; the oldest one is dropped when full."""
    unplaced = {**without(state.unplaced, message.id), message.id: (message, number)}
    if len(unplaced) > UNPLACED_MAX:
        del unplaced[next(iter(unplaced))]
    return replace(state, unplaced=unplaced)


def _on_delta(state: State, delta: MessageDeltaPayload) -> Transition:
    message = _in_tree(state, delta.root_id, delta.message_id)
    if message is not None and not message.streaming:
        return state, NO_CHANGES  # the final text came first
    partial = state.partials.get(delta.message_id) or PartialAnswer(delta.message_id, delta.root_id)
    if message is not None:
        partial.merge_snapshot(message)
    if not partial.apply_delta(delta):
        return state, NO_CHANGES
    if delta.message_id not in state.partials:
        state = replace(state, partials={**state.partials, delta.message_id: partial})
    return state, Changes(streamed=frozenset({delta.message_id}))


def _on_status(state: State, status: AnswerStatusPayload) -> Transition:
    message = _in_tree(state, status.root_id, status.message_id)
    if message is not None and not message.streaming:
        return state, NO_CHANGES  # the end came first
    statuses = {**state.statuses, status.message_id: status}
    changes = Changes(statuses=frozenset({status.message_id}))
    return replace(state, statuses=statuses), changes


def _on_done(state: State, done: MessageDonePayload, number: int) -> Transition:
    partial = state.partials.get(done.message_id)
    state = replace(
        state,
        partials=without(state.partials, done.message_id),
        statuses=without(state.statuses, done.message_id),
    )
    message = _in_tree(state, done.root_id, done.message_id)
    if message is None or state.trees[done.root_id].event_number_of(message.id) > number:
        return state, NO_CHANGES
    # Normally the final text arrived before; if not, the streamed text is the best there is.
    content = message.content
    if partial and message.streaming and partial.content.length > len(content):
        content = partial.content.text
    ended = structs.replace(
        message,
        content=content,
        streaming=False,
        finish_reason=done.finish_reason,
        usage=done.usage or message.usage,
    )
    return _upsert_message(state, ended, number)


def _in_tree(state: State, root_id: UUID, message_id: UUID) -> MessageView | None:
    tree = state.trees.get(root_id)
    return tree.get(message_id) if tree else None


def _on_membership(state: State, change: MembershipChangedPayload) -> Transition:
    if change.action == "removed":
        return _remove_participant(state, change.user_id)
    participant = state.participants.get(change.user_id)
    if participant is None or change.role is None:
        return state, Changes(needs_fetch=frozenset({"participants"}))
    updated = structs.replace(participant, role=change.role)
    participants = {**state.participants, change.user_id: updated}
    return replace(state, participants=participants), Changes(participants=True)


def _remove_participant(state: State, user_id: UUID) -> Transition:
    left = user_id == state.me
    state, stopped = _stop_typing(state, user_id)
    state = replace(
        state,
        participants=without(state.participants, user_id),
        presence=without(state.presence, user_id),
        left=state.left or left,
    )
    return state, stopped | Changes(participants=True, left=left)


def _on_presence(state: State, user: UserPresence) -> Transition:
    if state.presence.get(user.user_id) == user.status:
        return state, NO_CHANGES
    presence = {**state.presence, user.user_id: user.status}
    return replace(state, presence=presence), Changes(presence=True)


def _on_typing(state: State, update: TypingUpdatePayload) -> Transition:
    before = state.typing.get(update.user_id)
    if update.expires_at <= TYPING_STOPPED:
        if before == update.root_id:
            return _stop_typing(state, update.user_id)
        return state, NO_CHANGES
    if update.user_id == state.me or before == update.root_id:
        return state, NO_CHANGES
    roots = frozenset({update.root_id} | ({before} if before else set()))
    typing = {**state.typing, update.user_id: update.root_id}
    return replace(state, typing=typing), Changes(typing=roots)


def _stop_typing(state: State, user_id: UUID) -> Transition:
    root_id = state.typing.get(user_id)
    if root_id is None:
        return state, NO_CHANGES
    stopped = replace(state, typing=without(state.typing, user_id))
    return stopped, Changes(typing=frozenset({root_id}))


def _on_unread(state: State, update: UnreadUpdatePayload) -> Transition:
    if update.user_id != state.me:
        return state, NO_CHANGES
    return with_mark(state, update.root_id, update.read_seq, update.unread)


def with_mark(state: State, root_id: UUID, read_seq: int, unread: int) -> Transition:
    """Return the state with the server's mark in a thread, and its count of unread messages."""
    before = state.readings.get(root_id, Reading())
    return with_reading(state, root_id, reading.with_mark(before, read_seq, unread))


def with_reading(state: State, root_id: UUID, after: Reading) -> Transition:
    """Return the state with what is read of a thread."""
    if state.readings.get(root_id) == after:
        return state, NO_CHANGES
    readings = {**state.readings, root_id: after}
    return replace(state, readings=readings), Changes(unread=frozenset({root_id}))


def without(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    """Return the mapping without a key; the same object when the key is not in it."""
    if key not in mapping:
        return mapping
    return {other: value for other, value in mapping.items() if other != key}
