"""A conversation in memory that logs events and returns snapshots.

The client's store is compared with it: it keeps complete lists and sorts them for each snapshot.
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
    """Return the id of a user."""
    return UUID(int=100 + number)


class FakeConversation:
    """A conversation of `ME` and of the users who are added."""

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
        """Return a time that is later than all before."""
        self.ticks += 1
        return START + timedelta(seconds=self.ticks)

    def post(self, parent: UUID | None = None, *, role: str = "user", text: str = "hi") -> UUID:
        """Post a root or a reply; a message of the assistant is an answer in progress."""
        now = self.now()
        parent_message = self.messages[parent] if parent else None
        new = UUID(int=1_000 + self.ticks)
        root = parent_message.root_id if parent_message else new
        own_path = f"{self.ticks:08d}"
        message = MessageView(
            id=new,
            root_id=root,
            conversation_id=CONVERSATION_ID,
            role=role,
            content="" if role == "assistant" else text,
            path=f"{parent_message.path}/{own_path}" if parent_message else own_path,
            depth=parent_message.depth + 1 if parent_message else 1,
            seq=1 + sum(m.root_id == root for m in self.messages.values()),
            created_at=now,
            parent_id=parent,
            streaming=role == "assistant",
        )
        self.messages[new] = message
        if parent_message is None:
            self.threads[new] = ThreadInfo(new, text[:240], ME, now, now, 1, 1)
            self.log_event(
                events.ThreadNew, events.ThreadNewPayload(CONVERSATION_ID, new, self.threads[new])
            )
        self.log_event(events.MessageNew, events.MessagePayload(message))
        if parent_message is not None:
            self._log_activity(root, now)
        return new

    def _log_activity(self, root: UUID, now: datetime) -> None:
        thread = self.threads[root]
        updated = structs.replace(
            thread, last_activity_at=now, message_count=thread.message_count + 1
        )
        self.threads[root] = updated
        payload = events.ThreadActivityPayload(
            CONVERSATION_ID,
            root,
            now,
            updated.message_count,
            updated.participant_count,
            updated.root_excerpt,
        )
        self.log_event(events.ThreadActivity, payload)

    def stream_text(self, id: UUID, text: str) -> None:
        """Append text to an answer in progress; send it as a transient delta."""
        before = self.streamed_texts.get(id, "")
        self.streamed_texts[id] = before + text
        self.sent.append(self.delta(id, len(before), text))

    def delta(self, id: UUID, offset: int, text: str) -> events.MessageDelta:
        """Return a delta of an answer."""
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
        """End an answer: its final text, and then `message.done`."""
        self.change(
            id, content=self.streamed_texts.get(id, ""), streaming=False, finish_reason=reason
        )
        root = self.messages[id].root_id
        self.log_event(
            events.MessageDone, events.MessageDonePayload(id, root, CONVERSATION_ID, reason, 1)
        )

    def change(self, id: UUID, **fields: Any) -> None:
        """Change fields of a message."""
        self.messages[id] = structs.replace(self.messages[id], **fields)
        self.log_event(events.MessageUpdated, events.MessagePayload(self.messages[id]))

    def rename(self, title: str) -> None:
        """Change the title."""
        self.update_settings({"title": title})

    def update_settings(self, changes: dict[str, Any]) -> None:
        """Change settings of the conversation."""
        self.info = structs.replace(self.info, **changes)
        self.log_event(events.ConversationUpdated, events.ConversationUpdatedPayload(self.info))

    def add(self, user_id: UUID, role: str) -> None:
        """Add a user, or change the user's role."""
        action: Any = "role_updated" if user_id in self.people else "added"
        joined_at = self.people[user_id].joined_at if user_id in self.people else self.now()
        self.people[user_id] = Participant(user_id, f"p{user_id.int}", role, joined_at)
        self.log_event(
            events.MembershipChanged,
            events.MembershipChangedPayload(CONVERSATION_ID, user_id, action, role),
        )

    def remove(self, user_id: UUID) -> None:
        """Remove a user."""
        if self.people.pop(user_id, None):
            self.log_event(
                events.MembershipChanged,
                events.MembershipChangedPayload(CONVERSATION_ID, user_id, "removed"),
            )

    async def show_conversation(self, id: UUID) -> Conversation:
        """Return the snapshot of the conversation."""
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
        """Return the snapshot of the participants."""
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
        """Return a page of threads; the cursor is the index of its first thread."""
        rows = sorted(
            self.threads.values(), key=lambda t: (t.last_activity_at, t.root_id), reverse=True
        )
        start = int(cursor or 0)
        page = [
            ThreadSummary(**{n: getattr(t, n) for n in t.__struct_fields__}, unread=0)
            for t in rows[start : start + self.page_size]
        ]
        next_cursor = str(start + self.page_size) if start + self.page_size < len(rows) else None
        return ThreadList(page, self.position, next_cursor)

    async def list_unread(self, id: UUID) -> UnreadList:
        """Return no unread threads."""
        return UnreadList([], self.position)

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = None
    ) -> ThreadPage:
        """Return a page of a thread; the cursor is the last path of the page before."""
        rows = sorted(
            (m for m in self.messages.values() if m.root_id == root_id), key=lambda m: m.path
        )
        rows = [m for m in rows if cursor is None or m.path > cursor]
        page = rows[: self.page_size]
        next_cursor = page[-1].path if len(rows) > self.page_size else None
        return ThreadPage(root_id, page, self.position, next_cursor)
