"""What the reader has read of a thread: the mark, what was on screen above it, what is unread.

The mark `read_seq` is the server's: everything up to it is read. Messages above it that were on
screen here are `seen`; the mark moves over the longest run of them. Own and deleted messages are
part of a run without being seen. All functions are pure and return a changed `Reading`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

from rustygpt_shared.models.conversations import UNREAD_MAX
from rustygpt_shared.models.messages import MessageView

AHEAD_MAX = 2 * UNREAD_MAX
"""Messages above the mark that are known at most; the next ones follow when the mark moved."""


class AheadMessage(NamedTuple):
    """A message above the mark."""

    seq: int
    id: UUID
    path: str
    counts: bool
    """True when it is unread until it is seen: it is by somebody else and not deleted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader has read of one thread."""

    read_seq: int = 0
    unread: int = 0
    """The server's count of unread messages above the mark, at most `UNREAD_MAX`."""
    seen: frozenset[int] = frozenset()
    """The `seq` of unread messages above the mark that were on screen here."""
    ahead: tuple[AheadMessage, ...] = ()
    """The messages above the mark in the order of `seq`: all of them, or the first ones."""
    is_complete: bool = False
    """True when `ahead` has all messages above the mark."""
    is_mark_known: bool = True
    """False when the mark may be higher: it is fetched before the messages above it."""
    mark_version: int = 0
    """How many times the server reported the mark: tells that a snapshot is older."""

    @property
    def unseen(self) -> list[AheadMessage]:
        """The known messages that are unread, in the order of `seq`."""
        return [m for m in self.ahead if m.counts and m.seq not in self.seen]

    @property
    def count(self) -> int:
        """The number of unread messages, less those that were on screen here."""
        if self.is_complete:
            return min(UNREAD_MAX, len(self.unseen))
        if self.unread >= UNREAD_MAX:
            return UNREAD_MAX
        seen = sum(m.counts and m.seq in self.seen for m in self.ahead)
        beyond = sum(seq > self.next_after for seq in self.seen)
        return max(0, self.unread - seen - beyond)

    def has_unseen(self, message: MessageView, me: UUID) -> bool:
        """Return whether a message is unread, also beyond the known ones."""
        is_above = message.seq > self.read_seq and message.seq not in self.seen
        return is_above and counts_as_unread(message, me)

    @property
    def run_end(self) -> int:
        """The `seq` that the mark may move to: the end of the run of read messages above it."""
        end = self.read_seq
        for message in self.ahead:
            if message.counts and message.seq not in self.seen:
                break
            end = message.seq
        return end

    @property
    def lacks_next(self) -> bool:
        """True when the mark cannot move on because the messages above it are not known."""
        return not self.is_complete and self.run_end >= self.next_after

    @property
    def next_after(self) -> int:
        """The `seq` after which the next page of `ahead` begins."""
        return self.ahead[-1].seq if self.ahead else self.read_seq


def with_page(
    reading: Reading, messages: Iterable[MessageView], me: UUID, *, more: bool
) -> Reading:
    """Return the reading with the next messages above the mark; `more` follow after them."""
    last = reading.next_after
    added = [_ahead(m, me) for m in sorted(messages, key=_seq) if m.seq > last]
    return replace(reading, ahead=(*reading.ahead, *added), is_complete=not more)


def with_new_message(
    reading: Reading, message: MessageView, me: UUID, *, is_counted: bool = False
) -> Reading:
    """Return the reading with a message that an event brought.

    `is_counted` means that the server's count `unread` includes it already.
    """
    if message.seq <= reading.read_seq:  # read elsewhere before its event arrived here
        return reading
    added = _ahead(message, me)
    unread = min(UNREAD_MAX, reading.unread + (added.counts and not is_counted))
    reading = replace(reading, unread=unread)
    if not reading.is_complete or message.seq <= reading.next_after:
        return reading
    if len(reading.ahead) >= AHEAD_MAX:
        return replace(reading, is_complete=False)
    return replace(reading, ahead=(*reading.ahead, added))


def with_changed_message(
    reading: Reading, message: MessageView, me: UUID, *, was_deleted: bool = False
) -> Reading:
    """Return the reading after a message was changed: a deleted one is not unread, a restored is.

    `was_deleted` says so of a message that is not among the known ones above the mark.
    """
    changed = _ahead(message, me)
    known = next((m for m in reading.ahead if m.id == message.id), None)
    if known is None:
        is_read = message.seq <= reading.read_seq or message.seq in reading.seen
        if reading.is_complete or is_read or message.author_user_id == me:
            return reading
        counted = not was_deleted
    else:
        counted = known.counts
    if counted == changed.counts:
        return reading
    ahead = tuple(changed if m is known else m for m in reading.ahead)
    unread = reading.unread + changed.counts - counted
    return replace(reading, ahead=ahead, unread=min(UNREAD_MAX, max(0, unread)))


def with_mark(reading: Reading, read_seq: int, unread: int) -> Reading:
    """Return the reading with the server's mark and its count of unread messages.

    A mark that moved back makes messages unread again, also those that were seen before.
    """
    if read_seq < reading.read_seq:
        return Reading(read_seq, unread, mark_version=reading.mark_version + 1)
    return replace(
        reading,
        mark_version=reading.mark_version + 1,
        read_seq=read_seq,
        unread=unread,
        seen=frozenset(seq for seq in reading.seen if seq > read_seq),
        ahead=tuple(m for m in reading.ahead if m.seq > read_seq),
        is_mark_known=True,
    )


def with_nothing_unread(reading: Reading) -> Reading:
    """Return the reading when the server counts nothing as unread, and does not name its mark."""
    return replace(
        reading,
        unread=0,
        ahead=(),
        is_complete=False,
        is_mark_known=False,
        mark_version=reading.mark_version + 1,
    )


def with_seen(reading: Reading, seqs: Iterable[int]) -> Reading:
    """Return the reading with unread messages that were on screen."""
    seen = reading.seen | {seq for seq in seqs if seq > reading.read_seq}
    return reading if seen == reading.seen else replace(reading, seen=seen)


def counts_as_unread(message: MessageView, me: UUID) -> bool:
    """Return whether a message is unread until it is seen: by somebody else, and not deleted."""
    return message.author_user_id != me and message.deleted_at is None


def without_seen_from(reading: Reading, seq: int) -> Reading:
    """Return the reading with the messages from `seq` on as if they had not been on screen."""
    return replace(reading, seen=frozenset(other for other in reading.seen if other < seq))


def _ahead(message: MessageView, me: UUID) -> AheadMessage:
    return AheadMessage(message.seq, message.id, message.path, counts_as_unread(message, me))


def _seq(message: MessageView) -> int:
    return message.seq
