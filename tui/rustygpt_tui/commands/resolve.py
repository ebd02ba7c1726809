"""Resolve what a person types to an id: a full id, the beginning of an id, or a name.

A name must match exactly one thing. Nothing is guessed: several matches are an error that lists
them.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from rustygpt_shared.models.conversations import Participant
from rustygpt_shared.models.users import PublicUser
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import pages
from rustygpt_tui.errors import NotFound, UsageError

T = TypeVar("T")

MIN_ID_DIGITS = 8
"""The least digits of a message's or thread's id; fewer would not narrow down its time."""
_MIN_LISTED_DIGITS = 4
_CLOCK_TOLERANCE = timedelta(minutes=1)
_LISTED_MATCHES = 5
_MIN_TIMESTAMP = 86_400.0
_MAX_TIMESTAMP = 250_000_000_000.0


def full_id(text: str) -> UUID | None:
    """Return the id that a text is, in any usual notation, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None


async def conversation(client: Client, text: str) -> UUID:
    """Return the id of a conversation, by id, beginning of an id, or title; archived ones too."""
    if exact := full_id(text):
        return exact
    listed = [c async for c in pages.conversations(client)]
    listed += [c async for c in pages.conversations(client, archived=True)]
    unique = {c.id: c for c in listed}
    return select_one(unique.values(), text, "conversation", lambda c: c.id, lambda c: [c.title]).id


async def participant(client: Client, conversation_id: UUID, text: str) -> UUID:
    """Return the id of a participant, by id, beginning of an id, user name or display name."""
    if exact := full_id(text):
        return exact
    listed = (await client.list_participants(conversation_id)).participants
    return select_one(listed, text, "participant", lambda p: p.user_id, _names).user_id


async def user(client: Client, text: str) -> UUID:
    """Return the id of a user, by id, user name or display name."""
    if exact := full_id(text):
        return exact
    matches = (await client.search_users(text, limit=100)).users
    return select_one(matches, text, "user", lambda u: u.id, _names).id


async def account(client: Client, text: str) -> UUID:
    """Return the id of an account, by id, beginning of an id, user name or e-mail address.

    For administrators.
    """
    if exact := full_id(text):
        return exact
    listed = [u async for u in pages.users(client)]
    return select_one(listed, text, "account", lambda u: u.id, lambda u: [u.username, u.email]).id


async def root(client: Client, text: str) -> UUID:
    """Return the id of a thread's root, by id or the beginning of an id."""
    if exact := full_id(text):
        return exact
    first, last = _creation_times(text)
    matches = [r async for r in _roots_active_between(client, first, last) if _begins(r, text)]
    return select_one(matches, text, "thread", lambda r: r, lambda _: [])


async def message(client: Client, text: str) -> UUID:
    """Return the id of a message, by id or the beginning of an id."""
    if exact := full_id(text):
        return exact
    first, last = _creation_times(text)
    matches = [
        m.id
        async for r in _roots_active_between(client, first, last)
        async for m in pages.messages(client, r)
        if _begins(m.id, text)
    ]
    return select_one(matches, text, "message", lambda m: m, lambda _: [])


def _names(person: Participant | PublicUser) -> list[str]:
    return [person.username, *([person.display_name] if person.display_name else [])]


def _creation_times(text: str) -> tuple[datetime, datetime]:
    """Return the earliest and latest creation time of ids that begin with a text.

    Ids of version 7 begin with their time in milliseconds (RFC 9562, section 5.7).
    """
    digits = text.replace("-", "").lower()
    if len(digits) < MIN_ID_DIGITS or not re.fullmatch(r"[0-9a-f]{8,32}", digits):
        raise UsageError(
            f"{text!r} is not an id; give a full id, or at least its first {MIN_ID_DIGITS} digits."
        )
    earliest = _timestamp(digits[:12].ljust(12, "0"))
    latest = _timestamp(digits[:12].ljust(12, "f"))
    return earliest - _CLOCK_TOLERANCE, latest + _CLOCK_TOLERANCE


def _timestamp(milliseconds: str) -> datetime:
    """Return the time of a hexadecimal number of milliseconds, within what `datetime` can hold."""
    seconds = int(milliseconds, 16) / 1000
    return datetime.fromtimestamp(max(_MIN_TIMESTAMP, min(seconds, _MAX_TIMESTAMP)), UTC)


async def _roots_active_between(
    client: Client, first: datetime, last: datetime
) -> AsyncIterator[UUID]:
    """Yield the threads in which a message may have been posted between two times."""
    async for listed in pages.conversations(client):
        if listed.last_activity_at < first or listed.created_at > last:
            continue
        async for thread in pages.threads(client, listed.id):
            if thread.created_at <= last and thread.last_activity_at >= first:
                yield thread.root_id


def _begins(id: UUID, text: str) -> bool:
    return id.hex.startswith(text.replace("-", "").lower())


def select_one(
    candidates: Iterable[T],
    text: str,
    kind: str,
    id_of: Callable[[T], UUID],
    names_of: Callable[[T], list[str]],
) -> T:
    """Return the only candidate with the name `text`, or else with an id that begins with it.

    Raises NotFound when there is none, UsageError when there are several. `kind` is the noun for
    the error.
    """
    listed = list(candidates)
    query = text.strip().casefold()
    matches = [c for c in listed if query in (name.casefold() for name in names_of(c))]
    if not matches and len(query) >= _MIN_LISTED_DIGITS:
        matches = [c for c in listed if _begins(id_of(c), query)]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise NotFound(f"There is no {kind} {text!r} that you can see; check the name or the id.")
    ids = ", ".join(str(id_of(c)) for c in matches[:_LISTED_MATCHES])
    raise UsageError(f"{text!r} fits {len(matches)} {kind}s; use an id: {ids}.")
