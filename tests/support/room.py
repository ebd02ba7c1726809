"""A conversation as plain as can be: it logs events and answers snapshots, in memory.

What the store is measured against: it keeps whole lists and sorts them when asked.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from rustygpt_shared import events
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.conversations import (
    Conversation,
    ConversationInfo,
    ListedParticipant,
    Participant,
    ParticipantList,
    ThreadInfo,
    ThreadList,
    ThreadSummary,
    UnreadList,
)
from rustygpt_shared.models.messages import MessageView, Tree
from rustygpt_shared.models.presence import Status

START = datetime(2026, 1, 1, tzinfo=UTC)
ME = UUID(int=1)
ROOM = UUID(int=2)


def person(number: int) -> UUID:
    """The id of a person."""
    return UUID(int=100 + number)


class Room:
    """A conversation of `ME` and whoever is added."""

    def __init__(self, page: int = 200) -> None:
        self.page = page
        self.log: list[events.Event] = []
        self.passing: list[events.Event] = []
        self.made = 0
        self.info = ConversationInfo(ROOM, "Tea", True, "always", START)
        self.presence: dict[UUID, Status] = {}
        self.people = {ME: Participant(ME, "me", "owner", START)}
        self.threads: dict[UUID, ThreadInfo] = {}
        self.messages: dict[UUID, MessageView] = {}
        self.written: dict[UUID, str] = {}

    @property
    def position(self) -> str:
        """The id of the last event."""
        return event_id(len(self.log))

    def tell(self, kind: Any, payload: Any) -> None:
        """Log a durable event."""
        event = kind(payload=payload, id=event_id(len(self.log) + 1))
        self.log.append(event)
        self.passing.append(event)

    def now(self) -> datetime:
        """A time that has not been before."""
        self.made += 1
        return START + timedelta(seconds=self.made)

    def post(self, parent: UUID | None = None, *, role: str = "user", text: str = "hi") -> UUID:
        """A message: a thread of its own, or a reply. An assistant's one is in progress."""
        now, above = self.now(), self.messages[parent] if parent else None
        new = UUID(int=1_000 + self.made)
        root = above.root_id if above else new
        last = f"{self.made:08d}"
        message = MessageView(
            id=new,
            root_id=root,
            conversation_id=ROOM,
            role=role,
            content="" if role == "assistant" else text,
            path=f"{above.path}/{last}" if above else last,
            depth=above.depth + 1 if above else 1,
            seq=1 + sum(m.root_id == root for m in self.messages.values()),
            created_at=now,
            parent_id=parent,
            streaming=role == "assistant",
        )
        self.messages[new] = message
        if above is None:
            self.threads[new] = ThreadInfo(new, text[:240], ME, now, now, 1, 1)
            self.tell(events.ThreadNew, events.ThreadCreated(ROOM, new, self.threads[new]))
        self.tell(events.MessageNew, events.MessageShown(message))
        if above is not None:
            self._moved(root, now)
        return new

    def _moved(self, root: UUID, now: datetime) -> None:
        known = self.threads[root]
        moved = structs.replace(known, last_activity_at=now, message_count=known.message_count + 1)
        self.threads[root] = moved
        payload = events.ThreadActive(
            ROOM, root, now, moved.message_count, moved.participant_count, moved.root_excerpt
        )
        self.tell(events.ThreadActivity, payload)

    def write(self, id: UUID, text: str) -> None:
        """More of an answer in progress: one delta that is not logged."""
        before = self.written.get(id, "")
        self.written[id] = before + text
        self.passing.append(self.delta(id, len(before), text))

    def delta(self, id: UUID, offset: int, text: str) -> events.MessageDelta:
        """A piece of an answer."""
        message = self.messages[id]
        choice = events.DeltaChoice(0, events.DeltaText(content=text))
        payload = events.Delta(
            f"{id}:0", "chat.completion.chunk", message.root_id, id, ROOM, offset, [choice]
        )
        return events.MessageDelta(payload)

    def finish(self, id: UUID, reason: Any = "stop") -> None:
        """End an answer: its final text, then that it is done."""
        self.change(id, content=self.written.get(id, ""), streaming=False, finish_reason=reason)
        root = self.messages[id].root_id
        self.tell(events.MessageDone, events.Finished(id, root, ROOM, reason, 1))

    def change(self, id: UUID, **fields: Any) -> None:
        """A message is different."""
        self.messages[id] = structs.replace(self.messages[id], **fields)
        self.tell(events.MessageUpdated, events.MessageShown(self.messages[id]))

    def rename(self, title: str) -> None:
        """The conversation has another title."""
        self.settle({"title": title})

    def settle(self, changes: dict[str, Any]) -> None:
        """The conversation has other settings."""
        self.info = structs.replace(self.info, **changes)
        self.tell(events.ConversationUpdated, events.ConversationChanged(self.info))

    def add(self, who: UUID, role: str) -> None:
        """A person comes, or has another role."""
        action: Any = "role_updated" if who in self.people else "added"
        joined = self.people[who].joined_at if who in self.people else self.now()
        self.people[who] = Participant(who, f"p{who.int}", role, joined)
        self.tell(events.MembershipChanged, events.Membership(ROOM, who, action, role))

    def remove(self, who: UUID) -> None:
        """A person goes."""
        if self.people.pop(who, None):
            self.tell(events.MembershipChanged, events.Membership(ROOM, who, "removed"))

    async def show_conversation(self, id: UUID) -> Conversation:
        """The snapshot of the conversation."""
        shared = {n: getattr(self.info, n) for n in self.info.__struct_fields__}
        return Conversation(
            **shared,
            role=self.people[ME].role,
            unread=0,
            last_activity_at=START,
            participant_count=len(self.people),
            last_event_id=self.position,
        )

    async def list_participants(self, id: UUID) -> ParticipantList:
        """The snapshot of who is in it."""
        people = [
            ListedParticipant(**structs.asdict(person), presence=self.presence.get(id_, "offline"))
            for id_, person in self.people.items()
        ]
        return ParticipantList(people, self.position)

    async def list_threads(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadList:
        """A page of threads; a cursor is a number here."""
        rows = sorted(
            self.threads.values(), key=lambda t: (t.last_activity_at, t.root_id), reverse=True
        )
        start = int(cursor or 0)
        page = [
            ThreadSummary(**{n: getattr(t, n) for n in t.__struct_fields__}, unread=0)
            for t in rows[start : start + self.page]
        ]
        more = str(start + self.page) if start + self.page < len(rows) else None
        return ThreadList(page, self.position, more)

    async def unread(self, id: UUID) -> UnreadList:
        """Nothing is unread."""
        return UnreadList([], self.position)

    async def tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> Tree:
        """A page of a thread; a cursor is the last path of the page before."""
        rows = sorted(
            (m for m in self.messages.values() if m.root_id == root_id), key=lambda m: m.path
        )
        rows = [m for m in rows if cursor is None or m.path > cursor]
        page = rows[: self.page]
        more = page[-1].path if len(rows) > self.page else None
        return Tree(root_id, page, self.position, more)
