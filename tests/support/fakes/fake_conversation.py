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
    Participant,
    ParticipantList,
    ParticipantWithPresence,
    ThreadInfo,
    ThreadList,
    ThreadSummary,
    UnreadList,
)
from rustygpt_shared.models.messages import MessageView, ThreadPage
from rustygpt_shared.models.presence import Status

START = datetime(2026, 1, 1, tzinfo=UTC)
ME = UUID(int=1)
CONVERSATION_ID = UUID(int=2)


def person_id(number: int) -> UUID:
    """The id of a person."""
    return UUID(int=100 + number)


class FakeConversation:
    """A conversation of `ME` and whoever is added."""

    def __init__(self, page_size: int = 200) -> None:
        self.page_size = page_size
        self.log: list[events.Event] = []
        self.sent: list[events.Event] = []
        self.ticks = 0
        self.info = ConversationInfo(CONVERSATION_ID, "Tea", True, "always", START)
        self.presence: dict[UUID, Status] = {}
        self.people = {ME: Participant(ME, "me", "owner", START)}
        self.threads: dict[UUID, ThreadInfo] = {}
        self.messages: dict[UUID, MessageView] = {}
        self.streamed_texts: dict[UUID, str] = {}

    @property
    def position(self) -> str:
        """The id of the last event."""
        return event_id(len(self.log))

    def log_event(self, kind: Any, payload: Any) -> None:
        """Log a durable event."""
        event = kind(payload=payload, id=event_id(len(self.log) + 1))
        self.log.append(event)
        self.sent.append(event)

    def now(self) -> datetime:
        """A time that has not been before."""
        self.ticks += 1
        return START + timedelta(seconds=self.ticks)

    def post(self, parent: UUID | None = None, *, role: str = "user", text: str = "hi") -> UUID:
        """A message: a thread of its own, or a reply. An assistant's one is in progress."""
        now, above = self.now(), self.messages[parent] if parent else None
        new = UUID(int=1_000 + self.ticks)
        root = above.root_id if above else new
        last = f"{self.ticks:08d}"
        message = MessageView(
            id=new,
            root_id=root,
            conversation_id=CONVERSATION_ID,
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
            self.log_event(
                events.ThreadNew, events.ThreadNewPayload(CONVERSATION_ID, new, self.threads[new])
            )
        self.log_event(events.MessageNew, events.MessagePayload(message))
        if above is not None:
            self._log_activity(root, now)
        return new

    def _log_activity(self, root: UUID, now: datetime) -> None:
        known = self.threads[root]
        moved = structs.replace(known, last_activity_at=now, message_count=known.message_count + 1)
        self.threads[root] = moved
        payload = events.ThreadActivityPayload(
            CONVERSATION_ID,
            root,
            now,
            moved.message_count,
            moved.participant_count,
            moved.root_excerpt,
        )
        self.log_event(events.ThreadActivity, payload)

    def stream_text(self, id: UUID, text: str) -> None:
        """More of an answer in progress: one delta that is not logged."""
        before = self.streamed_texts.get(id, "")
        self.streamed_texts[id] = before + text
        self.sent.append(self.delta(id, len(before), text))

    def delta(self, id: UUID, offset: int, text: str) -> events.MessageDelta:
        """A piece of an answer."""
        message = self.messages[id]
        choice = events.DeltaChoice(0, events.DeltaText(content=text))
        payload = events.MessageDeltaPayload(
            f"{id}:0",
            "chat.completion.chunk",
            message.root_id,
            id,
            CONVERSATION_ID,
            offset,
            [choice],
        )
        return events.MessageDelta(payload)

    def finish(self, id: UUID, reason: Any = "stop") -> None:
        """End an answer: its final text, then that it is done."""
        self.change(
            id, content=self.streamed_texts.get(id, ""), streaming=False, finish_reason=reason
        )
        root = self.messages[id].root_id
        self.log_event(
            events.MessageDone, events.MessageDonePayload(id, root, CONVERSATION_ID, reason, 1)
        )

    def change(self, id: UUID, **fields: Any) -> None:
        """A message is different."""
        self.messages[id] = structs.replace(self.messages[id], **fields)
        self.log_event(events.MessageUpdated, events.MessagePayload(self.messages[id]))

    def rename(self, title: str) -> None:
        """The conversation has another title."""
        self.update_settings({"title": title})

    def update_settings(self, changes: dict[str, Any]) -> None:
        """The conversation has other settings."""
        self.info = structs.replace(self.info, **changes)
        self.log_event(events.ConversationUpdated, events.ConversationUpdatedPayload(self.info))

    def add(self, who: UUID, role: str) -> None:
        """A person comes, or has another role."""
        action: Any = "role_updated" if who in self.people else "added"
        joined = self.people[who].joined_at if who in self.people else self.now()
        self.people[who] = Participant(who, f"p{who.int}", role, joined)
        self.log_event(
            events.MembershipChanged,
            events.MembershipChangedPayload(CONVERSATION_ID, who, action, role),
        )

    def remove(self, who: UUID) -> None:
        """A person goes."""
        if self.people.pop(who, None):
            self.log_event(
                events.MembershipChanged,
                events.MembershipChangedPayload(CONVERSATION_ID, who, "removed"),
            )

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
            ParticipantWithPresence(
                **structs.asdict(person), presence=self.presence.get(id_, "offline")
            )
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
            for t in rows[start : start + self.page_size]
        ]
        more = str(start + self.page_size) if start + self.page_size < len(rows) else None
        return ThreadList(page, self.position, more)

    async def list_unread(self, id: UUID) -> UnreadList:
        """Nothing is unread."""
        return UnreadList([], self.position)

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadPage:
        """A page of a thread; a cursor is the last path of the page before."""
        rows = sorted(
            (m for m in self.messages.values() if m.root_id == root_id), key=lambda m: m.path
        )
        rows = [m for m in rows if cursor is None or m.path > cursor]
        page = rows[: self.page_size]
        more = page[-1].path if len(rows) > self.page_size else None
        return ThreadPage(root_id, page, self.position, more)
