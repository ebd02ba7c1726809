"""Events make a new state of an old one: the same for the screens and for `follow`.

The law is: state + events = the state freshly fetched. Events come in the order of their numbers;
one whose number the state has seen already is left out, so snapshots may overlap the stream.
`apply` has no effect but on a tail (see `tail`).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar, assert_never
from uuid import UUID

from msgspec import structs

from rustygpt_shared.events import (
    ConversationUpdated,
    ErrorEvent,
    ErrorPayload,
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
from rustygpt_tui.store.partial_answer import PartialAnswer
from rustygpt_tui.store.state import UNPLACED_MAX, UNREAD_MAX, Changes, State

K = TypeVar("K")
V = TypeVar("V")
Transition = tuple[State, Changes]

NO_CHANGES = Changes()
_NEWEST = 1 << 63


def apply(state: State, event: Event) -> Transition:
    """The state after an event, and what became different."""
    if event.id is not None and _already_applied(state, event.id):
        return state, NO_CHANGES
    after, changes = _change(state, event)
    if event.id is not None:
        after = replace(after, position=event.id)
    return after, changes


def _already_applied(state: State, id: str) -> bool:
    number, position = event_number(id), event_number(state.position)
    return number is not None and position is not None and number <= position


def _number(id: str | None) -> int:
    """The number of a durable event; one of another make counts as newer than all."""
    number = event_number(id or "")
    return _NEWEST if number is None else number


def _change(state: State, event: Event) -> Transition:  # noqa: C901, PLR0912 - a case each
    match event:
        case ThreadNew(payload=created):
            return insert_thread(state, created.summary)
        case ThreadActivity(payload=active):
            return _on_thread_activity(state, active)
        case MessageNew(payload=shown, id=id):
            return _on_new_message(state, shown.message, _number(id))
        case MessageUpdated(payload=shown, id=id):
            return _upsert_message(state, shown.message, _number(id))
        case MessageDelta(payload=delta):
            return _on_delta(state, delta)
        case MessageDone(payload=finished, id=id):
            return _on_done(state, finished, _number(id))
        case MembershipChanged(payload=membership):
            return _on_membership(state, membership)
        case ConversationUpdated(payload=changed):
            return replace(state, info=changed.conversation), Changes(info=True)
        case ErrorEvent(payload=trouble):
            return _on_error(state, trouble)
        case UnreadUpdate() | PresenceUpdate() | TypingUpdate():
            return _on_transient(state, event)
        case StreamReset():
            return state, Changes(needs_fetch=frozenset({"all"}))
        case StreamClosed(payload=closing):
            gone = closing.reason in {"removed", "deleted"}
            return replace(state, left=state.left or gone), Changes(left=gone)
        case StreamOpen():
            return state, NO_CHANGES
        case _:
            assert_never(event)


def _on_transient(state: State, event: UnreadUpdate | PresenceUpdate | TypingUpdate) -> Transition:
    match event:
        case UnreadUpdate(payload=count):
            return _on_unread(state, count)
        case PresenceUpdate(payload=seen):
            return _on_presence(state, seen)
        case TypingUpdate(payload=typing):
            return _on_typing(state, typing)


def insert_thread(state: State, thread: ThreadInfo) -> Transition:
    """The state with a thread's summary at its place in the list."""
    others = [known for known in state.threads if known.root_id != thread.root_id]
    at = next((i for i, known in enumerate(others) if _order(known) < _order(thread)), len(others))
    threads = (*others[:at], thread, *others[at:])
    return replace(state, threads=threads), Changes(threads=frozenset({thread.root_id}))


def _order(thread: ThreadInfo) -> tuple[Any, UUID]:
    return thread.last_activity_at, thread.root_id


def _on_thread_activity(state: State, active: ThreadActivityPayload) -> Transition:
    thread = state.thread(active.root_id)
    if thread is None:
        return state, Changes(needs_fetch=frozenset({"threads"}))
    moved = structs.replace(
        thread,
        last_activity_at=active.last_activity_at,
        message_count=active.message_count,
        participant_count=active.participant_count,
        root_excerpt=active.root_excerpt,
    )
    return insert_thread(state, moved)


def _on_new_message(state: State, message: MessageView, number: int) -> Transition:
    """A new message also counts as unread, until the server's own count comes."""
    state, changes = _upsert_message(state, message, number)
    if message.author_user_id and state.typing.get(message.author_user_id) == message.root_id:
        state, stopped = _stop_typing(state, message.author_user_id)
        changes |= stopped
    if message.author_user_id == state.me or number <= state.unread_as_of:
        return state, changes
    root = message.root_id
    many = min(UNREAD_MAX, state.unread.get(root, 0) + 1)
    counted = replace(state, unread={**state.unread, root: many})
    return counted, changes | Changes(unread=frozenset({root}))


def _upsert_message(state: State, message: MessageView, number: int) -> Transition:
    if not message.streaming:
        state = replace(state, partials=without(state.partials, message.id))
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
    strays = {**without(state.unplaced, message.id), message.id: (message, number)}
    if len(strays) > UNPLACED_MAX:
        del strays[next(iter(strays))]
    return replace(state, unplaced=strays)


def _on_delta(state: State, delta: MessageDeltaPayload) -> Transition:
    message = _in_tree(state, delta.root_id, delta.message_id)
    if message is not None and not message.streaming:
        return state, NO_CHANGES  # it came late, after the final text
    partial = state.partials.get(delta.message_id) or PartialAnswer(delta.message_id, delta.root_id)
    if message is not None:
        partial.merge_snapshot(message)
    if not partial.apply_delta(delta):
        return state, NO_CHANGES
    if delta.message_id not in state.partials:
        state = replace(state, partials={**state.partials, delta.message_id: partial})
    return state, Changes(streamed=frozenset({delta.message_id}))


def _on_done(state: State, finished: MessageDonePayload, number: int) -> Transition:
    partial = state.partials.get(finished.message_id)
    state = replace(state, partials=without(state.partials, finished.message_id))
    message = _in_tree(state, finished.root_id, finished.message_id)
    if message is None or state.trees[finished.root_id].event_number_of(message.id) > number:
        return state, NO_CHANGES
    # The final text has come before this as a rule; where it has not, the tail is all there is.
    content = message.content
    if partial and message.streaming and partial.content.length > len(content):
        content = partial.content.text
    done = structs.replace(
        message,
        content=content,
        streaming=False,
        finish_reason=finished.finish_reason,
        usage=finished.usage or message.usage,
    )
    return _upsert_message(state, done, number)


def _in_tree(state: State, root_id: UUID, id: UUID) -> MessageView | None:
    tree = state.trees.get(root_id)
    return tree.get(id) if tree else None


def _on_membership(state: State, change: MembershipChangedPayload) -> Transition:
    gone = change.action == "removed" and change.user_id == state.me
    known = state.participants.get(change.user_id)
    changes = Changes(participants=True, left=gone)
    if change.action == "removed":
        state, stopped = _stop_typing(state, change.user_id)
        changes |= stopped
        left = without(state.participants, change.user_id)
        there = without(state.presence, change.user_id)
        gone = state.left or gone
        return replace(state, participants=left, presence=there, left=gone), changes
    if known is None or change.role is None:
        return state, Changes(needs_fetch=frozenset({"participants"}))
    changed = structs.replace(known, role=change.role)
    return replace(state, participants={**state.participants, change.user_id: changed}), changes


def _on_presence(state: State, seen: UserPresence) -> Transition:
    if state.presence.get(seen.user_id) == seen.status:
        return state, NO_CHANGES
    presence = {**state.presence, seen.user_id: seen.status}
    return replace(state, presence=presence), Changes(presence=True)


def _on_typing(state: State, typing: TypingUpdatePayload) -> Transition:
    before = state.typing.get(typing.user_id)
    if typing.expires_at <= TYPING_STOPPED:
        return (
            _stop_typing(state, typing.user_id) if before == typing.root_id else (state, NO_CHANGES)
        )
    if typing.user_id == state.me or before == typing.root_id:
        return state, NO_CHANGES
    roots = frozenset({typing.root_id} | ({before} if before else set()))
    now = {**state.typing, typing.user_id: typing.root_id}
    return replace(state, typing=now), Changes(typing=roots)


def _stop_typing(state: State, user_id: UUID) -> Transition:
    root_id = state.typing.get(user_id)
    if root_id is None:
        return state, NO_CHANGES
    left = replace(state, typing=without(state.typing, user_id))
    return left, Changes(typing=frozenset({root_id}))


def _on_error(state: State, trouble: ErrorPayload) -> Transition:
    if trouble.message_id is None:
        return state, NO_CHANGES
    troubles = {**state.errors, trouble.message_id: trouble}
    return replace(state, errors=troubles), Changes(errors=frozenset({trouble.message_id}))


def _on_unread(state: State, count: UnreadUpdatePayload) -> Transition:
    if count.user_id != state.me:
        return state, NO_CHANGES
    return set_unread(state, count.root_id, count.unread)


def set_unread(state: State, root_id: UUID, unread: int) -> Transition:
    """The state with the reader's count of a thread."""
    if state.unread.get(root_id, 0) == unread:
        return state, NO_CHANGES
    others = without(state.unread, root_id)
    counts = {**others, root_id: unread} if unread else others
    return replace(state, unread=counts), Changes(unread=frozenset({root_id}))


def without(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    """The mapping without a key: itself when the key is not in it."""
    if key not in mapping:
        return mapping
    return {known: value for known, value in mapping.items() if known != key}
