"""The messages of another program's conversation: a tree, in which some are left out."""

import heapq
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from rustygpt_server.importing.batches import BatchWriter, NewConversation, NewMessage
from rustygpt_server.importing.errors import BadFile
from rustygpt_shared import text_rules
from rustygpt_shared.models.messages import MessageError
from rustygpt_shared.text_rules import MESSAGE_MAX, TITLE_MAX

_UNTITLED: Final = "Imported conversation"
_REPLACEMENT: Final = "\ufffd"
_LATEST: Final = 253_402_300_000.0
"""A time in seconds, in the year 9999."""


class Node(Struct):
    """A message, or without a role one that is left out: its replies move up to its parent."""

    parent: str | None
    role: str | None = None
    content: str = ""
    seconds: float | None = None
    model: str | None = None
    reasoning: str | None = None
    error: str | None = None


def new_conversation(
    writer: BatchWriter, title: object, seconds: float | None, *, archived: bool
) -> NewConversation:
    """Return a conversation with a title and a time that fit."""
    created_at = _time(writer, seconds) or writer.now
    try:
        fitting = text_rules.title(_stored(writer, text_of(title))[:TITLE_MAX])
    except ValueError:
        fitting = _UNTITLED
    archived_at = writer.now if archived else None
    return NewConversation(fitting, False, "always", created_at, archived_at=archived_at)


def add_tree(writer: BatchWriter, conversation: NewConversation, nodes: dict[str, Node]) -> None:
    """Add a conversation with its messages; raise BadFile unless they form trees."""
    writer.begin_conversation(conversation)
    parts = _parts(writer, nodes)
    parents = _kept_parents(parts)
    messages: dict[str, NewMessage] = {}
    times = {key: _seconds(parts[key], parents[key], parts) for key in parents}
    for key, seq in _in_order_of_time(parents, times):
        messages[key] = _message(writer, parts[key], seq, _time(writer, times[key]), conversation)
    _add_depth_first(writer, parents, messages)
    writer.end_conversation()


def text_of(value: object) -> str:
    """Return a text, or nothing for any other value."""
    return value if isinstance(value, str) else ""


def seconds_of(value: object, divisor: float = 1.0) -> float | None:
    """Return a time in seconds since 1970, or None for any other value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared before it becomes a float: a file may have integers that are too large for one.
    return float(value) / divisor if 0 < value < _LATEST * divisor else None


def _parts(writer: BatchWriter, nodes: dict[str, Node]) -> dict[str, Node]:
    """Return the messages, each that is too long as a chain of several, which end at its key."""
    parts: dict[str, Node] = {}
    for key, node in nodes.items():
        above, text = node.parent, _stored(writer, node.content)
        while node.role is not None and len(text) > MESSAGE_MAX:
            name = f"{key}\x00{len(text)}"
            parts[name] = Node(above, node.role, text[:MESSAGE_MAX], node.seconds, node.model)
            above, text = name, text[MESSAGE_MAX:]
            writer.left_out["long messages, which were split"] += 1
        parts[key] = Node(above, node.role, text, node.seconds, node.model, node.reasoning,
            node.error)  # fmt: skip
    return parts


def _kept_parents(parts: dict[str, Node]) -> dict[str, str | None]:
    """Return the nearest kept message above each kept one, parents first.

    Raises BadFile for a parent that is missing, and for messages in a circle.
    """
    children: defaultdict[str | None, list[str]] = defaultdict(list)
    for key, node in parts.items():
        if node.parent is not None and node.parent not in parts:
            raise BadFile("A message names a parent that is not in the conversation")
        children[node.parent].append(key)
    kept: dict[str, str | None] = {}
    waiting: list[tuple[str, str | None]] = [(key, None) for key in reversed(children[None])]
    visited = 0
    while waiting:
        key, above = waiting.pop()
        visited += 1
        if parts[key].role is not None:
            kept[key] = above
            above = key
        waiting.extend((child, above) for child in reversed(children.get(key, [])))
    if visited < len(parts):
        raise BadFile("Some of its messages are their own parents, in a circle")
    return kept


def _seconds(node: Node, parent: str | None, parts: dict[str, Node]) -> float | None:
    """Return the time of a message; one without takes over that of its parent."""
    if node.seconds is None and parent is not None:
        node.seconds = parts[parent].seconds
    return node.seconds


def _in_order_of_time(
    parents: dict[str, str | None], times: dict[str, float | None]
) -> Iterator[tuple[str, int]]:
    """Yield each message and its number in its thread, by time, but parents before replies."""
    order = {key: index for index, key in enumerate(parents)}
    replies: defaultdict[str | None, list[str]] = defaultdict(list)
    roots: dict[str, str] = {}
    for key, parent in parents.items():
        replies[parent].append(key)
        roots[key] = roots[parent] if parent is not None else key
    counts: defaultdict[str, int] = defaultdict(int)
    queue = [(times[key] or 0.0, order[key], key) for key in replies[None]]
    heapq.heapify(queue)
    while queue:
        _, _, key = heapq.heappop(queue)
        counts[roots[key]] += 1
        yield key, counts[roots[key]]
        for reply in replies.get(key, []):
            heapq.heappush(queue, (times[reply] or 0.0, order[reply], reply))


def _add_depth_first(
    writer: BatchWriter, parents: dict[str, str | None], messages: dict[str, NewMessage]
) -> None:
    replies: defaultdict[str | None, list[str]] = defaultdict(list)
    for key in messages:  # in the order of time
        replies[parents[key]].append(key)
    waiting = list(reversed(replies[None]))
    while waiting:
        key = waiting.pop()
        writer.add(key, parents[key], messages[key])
        waiting.extend(reversed(replies.get(key, [])))


def _message(
    writer: BatchWriter,
    node: Node,
    seq: int,
    created_at: datetime | None,
    conversation: NewConversation,
) -> NewMessage:
    is_answer = node.role == "assistant"
    reasoning = _stored(writer, node.reasoning or "")
    if len(reasoning) > MESSAGE_MAX:
        writer.left_out["parts of long reasoning"] += 1
    fields: dict[str, Any] = {
        "model": _stored(writer, node.model or "")[: text_rules.MODEL_MAX] or None,
        "reasoning": reasoning[:MESSAGE_MAX] or None,
        "finish_reason": "error" if node.error else "stop",
        "error": MessageError("RGP.IMPORTED", _stored(writer, node.error)[:2_000])
        if node.error
        else None,
    }
    return NewMessage(
        node.role or "user",
        node.content,
        seq,
        created_at or conversation.created_at,
        is_mine=node.role == "user",
        **(fields if is_answer else {}),
    )


def _time(writer: BatchWriter, seconds: float | None) -> datetime | None:
    return writer.time(datetime.fromtimestamp(seconds, UTC)) if seconds else None


def _stored(writer: BatchWriter, text: str) -> str:
    """Return a text in which U+FFFD is in the place of what the database cannot store."""
    if "\x00" not in text:
        return text
    writer.left_out["NUL characters, which were replaced"] += text.count("\x00")
    return text.replace("\x00", _REPLACEMENT)
