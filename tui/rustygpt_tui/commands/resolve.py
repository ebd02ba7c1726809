"""From what a person types to an id: a whole id, the beginning of one, or a name.

A name has to fit one thing only. Nothing is guessed: two that fit are a mistake that shows both.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import pages
from rustygpt_tui.errors import NotFound, UsageError

T = TypeVar("T")

SHORTEST = 8
_SLACK = timedelta(minutes=1)
_SHOWN = 5
_LATEST = 250_000_000_000.0
_EARLIEST = 86_400.0


def full_id(text: str) -> UUID | None:
    """The id that a text is, written in any of the usual ways."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def conversation(client: Client, text: str) -> UUID:
    """A conversation by id, beginning of an id, or title; archived ones too."""
    if found := full_id(text):
        return found
    everything = [c async for c in pages.conversations(client)]
    everything += [c async for c in pages.conversations(client, archived=True)]
    unique = {c.id: c for c in everything}
    chosen = only(unique.values(), text, "conversation", lambda c: c.id, lambda c: [c.title])
    return chosen.id


async def participant(client: Client, conversation_id: UUID, text: str) -> UUID:
    """Somebody in a conversation by id, beginning of an id, user name or display name."""
    if found := full_id(text):
        return found
    people = (await client.list_participants(conversation_id)).participants
    chosen = only(
        people,
        text,
        "participant",
        lambda p: p.user_id,
        lambda p: [p.username, *([p.display_name] if p.display_name else [])],
    )
    return chosen.user_id


async def person(client: Client, text: str) -> UUID:
    """Anybody by id, user name or display name."""
    if found := full_id(text):
        return found
    people = (await client.search_users(text, limit=100)).users
    chosen = only(
        people,
        text,
        "person",
        lambda p: p.id,
        lambda p: [p.username, *([p.display_name] if p.display_name else [])],
    )
    return chosen.id


async def account(client: Client, text: str) -> UUID:
    """An account by id, beginning of an id, user name or e-mail address; for administrators."""
    if found := full_id(text):
        return found
    everybody = [u async for u in pages.users(client)]
    chosen = only(everybody, text, "account", lambda u: u.id, lambda u: [u.username, u.email])
    return chosen.id


async def root(client: Client, text: str) -> UUID:
    """A thread's root by id or the beginning of one."""
    if found := full_id(text):
        return found
    found_ids = [r async for r in _roots(client, *_times(text)) if _begins(r, text)]
    return only(found_ids, text, "thread", lambda r: r, lambda _: [])


async def message(client: Client, text: str) -> UUID:
    """A message by id or the beginning of one."""
    if found := full_id(text):
        return found
    found_ids = [
        m.id
        async for r in _roots(client, *_times(text))
        async for m in pages.messages(client, r)
        if _begins(m.id, text)
    ]
    return only(found_ids, text, "message", lambda m: m, lambda _: [])


def _times(text: str) -> tuple[datetime, datetime]:
    """When an id that begins so was made: ids of version 7 begin with their time."""
    digits = text.replace("-", "").lower()
    if len(digits) < SHORTEST or not re.fullmatch(r"[0-9a-f]{8,32}", digits):
        raise UsageError(
            f"{text!r} is no id; give a whole id, or at least its first {SHORTEST} digits."
        )
    head = digits[:12]
    first, last = (
        max(_EARLIEST, min(int(head.ljust(12, digit), 16) / 1000, _LATEST)) for digit in "0f"
    )
    return datetime.fromtimestamp(first, UTC) - _SLACK, datetime.fromtimestamp(last, UTC) + _SLACK


async def _roots(client: Client, first: datetime, last: datetime) -> AsyncIterator[UUID]:
    """The threads in which something may have been written between two times."""
    async for talk in pages.conversations(client):
        if talk.last_activity_at < first or talk.created_at > last:
            continue
        async for thread in pages.threads(client, talk.id):
            if thread.created_at <= last and thread.last_activity_at >= first:
                yield thread.root_id


def _begins(id: UUID, text: str) -> bool:
    return id.hex.startswith(text.replace("-", "").lower())


def only(
    candidates: Iterable[T],
    text: str,
    what: str,
    id_of: Callable[[T], UUID],
    names_of: Callable[[T], list[str]],
) -> T:
    """The one candidate that `text` names or begins the id of; raises NotFound or UsageError."""
    everything, query = list(candidates), text.strip().casefold()
    found = [c for c in everything if query in (name.casefold() for name in names_of(c))]
    if not found and len(query) >= 4:
        found = [c for c in everything if _begins(id_of(c), query)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"There is no {what} {text!r} that you can see; check the name or the id.")
    ids = ", ".join(str(id_of(c)) for c in found[:_SHOWN])
    raise UsageError(f"{text!r} fits {len(found)} {what}s; take an id: {ids}.")
