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
    Delta,
    ErrorEvent,
    Event,
    Finished,
    Membership,
    MembershipChanged,
    MessageDelta,
    MessageDone,
    MessageNew,
    MessageUpdated,
    PresenceUpdate,
    StreamClosed,
    StreamOpen,
    StreamReset,
    ThreadActive,
    ThreadActivity,
    ThreadNew,
    Trouble,
    Typing,
    TypingUpdate,
    UnreadCount,
    UnreadUpdate,
)
from rustygpt_shared.ids import event_number
from rustygpt_shared.models.conversations import ThreadInfo
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import STOPPED, Seen
from rustygpt_tui.store.state import STRAYS_MAX, UNREAD_MAX, Changes, State
from rustygpt_tui.store.tail import Tail

K = TypeVar("K")
V = TypeVar("V")
Step = tuple[State, Changes]

NOTHING = Changes()
_NEWEST = 1 << 63


def apply(state: State, event: Event) -> Step:
    """The state after an event, and what became different."""
    if event.id is not None and _had(state, event.id):
        return state, NOTHING
    after, changes = _change(state, event)
    if event.id is not None:
        after = replace(after, position=event.id)
    return after, changes


def _had(state: State, id: str) -> bool:
    number, position = event_number(id), event_number(state.position)
    return number is not None and position is not None and number <= position


def _number(id: str | None) -> int:
    """The number of a durable event; one of another make counts as newer than all."""
    number = event_number(id or "")
    return _NEWEST if number is None else number


def _change(state: State, event: Event) -> Step:  # noqa: C901, PLR0912 - a case each
    match event:
        case ThreadNew(payload=created):
            return place_thread(state, created.summary)
        case ThreadActivity(payload=active):
            return _move_thread(state, active)
        case MessageNew(payload=shown, id=id):
            return _arrive(state, shown.message, _number(id))
        case MessageUpdated(payload=shown, id=id):
            return _put_message(state, shown.message, _number(id))
        case MessageDelta(payload=delta):
            return _grow(state, delta)
        case MessageDone(payload=finished, id=id):
            return _finish(state, finished, _number(id))
        case MembershipChanged(payload=membership):
            return _member(state, membership)
        case ConversationUpdated(payload=changed):
            return replace(state, info=changed.conversation), Changes(info=True)
        case ErrorEvent(payload=trouble):
            return _trouble(state, trouble)
        case UnreadUpdate() | PresenceUpdate() | TypingUpdate():
            return _pass(state, event)
        case StreamReset():
            return state, Changes(lacking=frozenset({"all"}))
        case StreamClosed(payload=closing):
            gone = closing.reason in {"removed", "deleted"}
            return replace(state, gone=state.gone or gone), Changes(gone=gone)
        case StreamOpen():
            return state, NOTHING
        case _:
            assert_never(event)


def _pass(state: State, event: UnreadUpdate | PresenceUpdate | TypingUpdate) -> Step:
    match event:
        case UnreadUpdate(payload=count):
            return _count(state, count)
        case PresenceUpdate(payload=seen):
            return _see(state, seen)
        case TypingUpdate(payload=typing):
            return _type(state, typing)


def place_thread(state: State, thread: ThreadInfo) -> Step:
    """The state with a thread's summary at its place in the list."""
    others = [known for known in state.threads if known.root_id != thread.root_id]
    at = next((i for i, known in enumerate(others) if _order(known) < _order(thread)), len(others))
    threads = (*others[:at], thread, *others[at:])
    return replace(state, threads=threads), Changes(threads=frozenset({thread.root_id}))


def _order(thread: ThreadInfo) -> tuple[Any, UUID]:
    return thread.last_activity_at, thread.root_id


def _move_thread(state: State, active: ThreadActive) -> Step:
    thread = state.thread(active.root_id)
    if thread is None:
        return state, Changes(lacking=frozenset({"threads"}))
    moved = structs.replace(
        thread,
        last_activity_at=active.last_activity_at,
        message_count=active.message_count,
        participant_count=active.participant_count,
        root_excerpt=active.root_excerpt,
    )
    return place_thread(state, moved)


def _arrive(state: State, message: MessageView, number: int) -> Step:
    """A new message also counts as unread, until the server's own count comes."""
    state, changes = _put_message(state, message, number)
    if message.author_user_id and state.typing.get(message.author_user_id) == message.root_id:
        state, stopped = _stop_typing(state, message.author_user_id)
        changes |= stopped
    if message.author_user_id == state.me or number <= state.counted:
        return state, changes
    root = message.root_id
    many = min(UNREAD_MAX, state.unread.get(root, 0) + 1)
    counted = replace(state, unread={**state.unread, root: many})
    return counted, changes | Changes(unread=frozenset({root}))


def _put_message(state: State, message: MessageView, number: int) -> Step:
    if not message.streaming:
        state = replace(state, tails=without(state.tails, message.id))
    tree = state.trees.get(message.root_id)
    if tree is None:
        return _put_stray(state, message, number), NOTHING
    if tree.known_from(message.id) > number:
        return state, NOTHING
    trees = {**state.trees, message.root_id: tree.put(message, number)}
    changes = Changes(messages=frozenset({message.id}), roots=frozenset({message.root_id}))
    return replace(state, trees=trees), changes


def _put_stray(state: State, message: MessageView, number: int) -> State:
    strays = {**without(state.strays, message.id), message.id: (message, number)}
    if len(strays) > STRAYS_MAX:
        del strays[next(iter(strays))]
    return replace(state, strays=strays)


def _grow(state: State, delta: Delta) -> Step:
    message = _in_tree(state, delta.root_id, delta.message_id)
    if message is not None and not message.streaming:
        return state, NOTHING  # it came late, after the final text
    tail = state.tails.get(delta.message_id) or Tail(delta.message_id, delta.root_id)
    if message is not None:
        tail.cover(message)
    if not tail.grow(delta):
        return state, NOTHING
    if delta.message_id not in state.tails:
        state = replace(state, tails={**state.tails, delta.message_id: tail})
    return state, Changes(grown=frozenset({delta.message_id}))


def _finish(state: State, finished: Finished, number: int) -> Step:
    tail = state.tails.get(finished.message_id)
    state = replace(state, tails=without(state.tails, finished.message_id))
    message = _in_tree(state, finished.root_id, finished.message_id)
    if message is None or state.trees[finished.root_id].known_from(message.id) > number:
        return state, NOTHING
    # The final text has come before this as a rule; where it has not, the tail is all there is.
    whole = message.content
    if tail and message.streaming and tail.content.length > len(whole):
        whole = tail.content.text
    done = structs.replace(
        message,
        content=whole,
        streaming=False,
        finish_reason=finished.finish_reason,
        usage=finished.usage or message.usage,
    )
    return _put_message(state, done, number)


def _in_tree(state: State, root_id: UUID, id: UUID) -> MessageView | None:
    tree = state.trees.get(root_id)
    return tree.get(id) if tree else None


def _member(state: State, change: Membership) -> Step:
    gone = change.action == "removed" and change.user_id == state.me
    known = state.participants.get(change.user_id)
    changes = Changes(participants=True, gone=gone)
    if change.action == "removed":
        state, stopped = _stop_typing(state, change.user_id)
        changes |= stopped
        left = without(state.participants, change.user_id)
        there = without(state.presence, change.user_id)
        gone = state.gone or gone
        return replace(state, participants=left, presence=there, gone=gone), changes
    if known is None or change.role is None:
        return state, Changes(lacking=frozenset({"participants"}))
    changed = structs.replace(known, role=change.role)
    return replace(state, participants={**state.participants, change.user_id: changed}), changes


def _see(state: State, seen: Seen) -> Step:
    if state.presence.get(seen.user_id) == seen.status:
        return state, NOTHING
    presence = {**state.presence, seen.user_id: seen.status}
    return replace(state, presence=presence), Changes(present=True)


def _type(state: State, typing: Typing) -> Step:
    before = state.typing.get(typing.user_id)
    if typing.expires_at <= STOPPED:
        return _stop_typing(state, typing.user_id) if before == typing.root_id else (state, NOTHING)
    if typing.user_id == state.me or before == typing.root_id:
        return state, NOTHING
    roots = frozenset({typing.root_id} | ({before} if before else set()))
    now = {**state.typing, typing.user_id: typing.root_id}
    return replace(state, typing=now), Changes(typing=roots)


def _stop_typing(state: State, user_id: UUID) -> Step:
    root_id = state.typing.get(user_id)
    if root_id is None:
        return state, NOTHING
    left = replace(state, typing=without(state.typing, user_id))
    return left, Changes(typing=frozenset({root_id}))


def _trouble(state: State, trouble: Trouble) -> Step:
    if trouble.message_id is None:
        return state, NOTHING
    troubles = {**state.troubles, trouble.message_id: trouble}
    return replace(state, troubles=troubles), Changes(troubles=frozenset({trouble.message_id}))


def _count(state: State, count: UnreadCount) -> Step:
    if count.user_id != state.me:
        return state, NOTHING
    return set_count(state, count.root_id, count.unread)


def set_count(state: State, root_id: UUID, unread: int) -> Step:
    """The state with the reader's count of a thread."""
    if state.unread.get(root_id, 0) == unread:
        return state, NOTHING
    others = without(state.unread, root_id)
    counts = {**others, root_id: unread} if unread else others
    return replace(state, unread=counts), Changes(unread=frozenset({root_id}))


def without(mapping: Mapping[K, V], key: K) -> Mapping[K, V]:
    """The mapping without a key: itself when the key is not in it."""
    if key not in mapping:
        return mapping
    return {known: value for known, value in mapping.items() if known != key}
