"""A conversation in memory that logs events and returns snapshots.

The client's store is compared with it: it keeps complete lists and sorts them for each snapshot.
"""

from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from msgspec import structs

from rustygpt_shared import events
from rustygpt_shared.ids import event_id
from rustygpt_shared.models.conversations import (
    Conversation,
    ConversationInfo,
    FirstUnread,
    Participant,
    ParticipantList,
    ParticipantWithPresence,
    ThreadInfo,
    ThreadList,
    ThreadSummary,
    ThreadUnread,
    UnreadList,
)
from rustygpt_shared.models.messages import MessageView, ReadMarkerResult, ThreadPage
from rustygpt_shared.models.presence import Status

_PATH_STEP = 1 << 60
"""The distance of two paths at the end of a thread, which leaves space for branches."""
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
        self.system_prompt: str | None = None
        self.presence: dict[UUID, Status] = {}
        self.people = {ME: Participant(ME, "me", "owner", START)}
        self.threads: dict[UUID, ThreadInfo] = {}
        self.messages: dict[UUID, MessageView] = {}
        self.streamed_texts: dict[UUID, str] = {}
        self.deleted_texts: dict[UUID, str] = {}
        self.read_seqs: dict[UUID, int] = {}
        """The mark of `ME` by thread."""

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

    def post(
        self,
        parent: UUID | None = None,
        *,
        role: str = "user",
        text: str = "hi",
        author: UUID | None = None,
    ) -> UUID:
        """Post a root or a reply; a message of the assistant is an answer in progress."""
        now = self.now()
        parent_message = self.messages[parent] if parent else None
        new = UUID(int=1_000 + self.ticks)
        root = parent_message.root_id if parent_message else new
        message = MessageView(
            id=new,
            root_id=root,
            conversation_id=CONVERSATION_ID,
            role=role,
            content="" if role == "assistant" else text,
            path=self._path_below(parent_message),
            depth=parent_message.depth + 1 if parent_message else 1,
            seq=1 + sum(m.root_id == root for m in self.messages.values()),
            created_at=now,
            parent_id=parent,
            author_user_id=author,
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

    def _path_below(self, parent: MessageView | None) -> str:
        """Return the path of a new last reply: between the parent's branch and what follows it.

        As on the server, it does not begin with the parent's path.
        """
        if parent is None:
            return f"{_PATH_STEP:030d}"
        rows = sorted(self._in_thread(parent.root_id), key=lambda m: m.path)
        below = rows[rows.index(parent) + 1 :]
        branch = list(takewhile(lambda m: m.depth > parent.depth, below))
        last = int((branch or [parent])[-1].path)
        after = below[len(branch) :]
        return f"{(last + int(after[0].path)) // 2 if after else last + _PATH_STEP:030d}"

    def _log_activity(self, root: UUID, now: datetime) -> None:
        thread = self.threads[root]
        updated = structs.replace(
            thread, last_activity_at=now, message_count=thread.message_count + 1
        )
        self.threads[root] = updated
        self._log_thread(updated)

    def _log_thread(self, thread: ThreadInfo) -> None:
        payload = events.ThreadActivityPayload(
            CONVERSATION_ID,
            thread.root_id,
            thread.last_activity_at,
            thread.message_count,
            thread.participant_count,
            thread.root_excerpt,
        )
        self.log_event(events.ThreadActivity, payload)

    def stream_text(self, id: UUID, text: str) -> None:
        """Append text to an answer in progress; send it as a transient delta."""
        before = self.streamed_texts.get(id, "")
        self.streamed_texts[id] = before + text
        self.sent.append(self.delta(id, len(before), text))

    def stream_reasoning(self, id: UUID, text: str) -> None:
        """Append text to the reasoning of an answer in progress; send it as a transient delta."""
        before = self.messages[id].reasoning or ""
        self.messages[id] = structs.replace(self.messages[id], reasoning=before + text)
        self.sent.append(self.delta(id, 0, "", reasoning=text, reasoning_offset=len(before)))

    def send_status(self, id: UUID, state: Any, **fields: Any) -> None:
        """Send the state of an answer in progress."""
        root = self.messages[id].root_id
        payload = events.AnswerStatusPayload(CONVERSATION_ID, root, id, state, **fields)
        self.sent.append(events.AnswerStatus(payload))

    def delta(
        self,
        id: UUID,
        offset: int,
        text: str,
        *,
        reasoning: str | None = None,
        reasoning_offset: int | None = None,
    ) -> events.MessageDelta:
        """Return a delta of an answer."""
        message = self.messages[id]
        delta = events.DeltaText(content=text or None, reasoning=reasoning)
        choice = events.DeltaChoice(0, delta)
        payload = events.MessageDeltaPayload(
            f"{id}:0",
            "chat.completion.chunk",
            message.root_id,
            id,
            CONVERSATION_ID,
            offset,
            [choice],
            reasoning_offset=reasoning_offset,
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

    def change(self, id: UUID, *, as_: Any = None, **fields: Any) -> None:
        """Change fields of a message; `as_` is what a person did."""
        self.messages[id] = structs.replace(self.messages[id], **fields)
        self.log_event(events.MessageUpdated, events.MessageUpdatedPayload(self.messages[id], as_))

    def edit(self, id: UUID, text: str) -> None:
        """Replace the text of a message."""
        self.change(id, as_="edited", content=text, edited_at=self.now())
        self._update_thread(id, 0)

    def delete(self, id: UUID, *, by: UUID = ME) -> None:
        """Delete a message; an answer in progress ends as cancelled."""
        message = self.messages[id]
        self.deleted_texts[id] = message.content or self.streamed_texts.get(id, "")
        ends: dict[str, Any] = (
            {"streaming": False, "finish_reason": "cancelled"} if message.streaming else {}
        )
        self.change(id, as_="deleted", content="", deleted_at=self.now(), deleted_by=by, **ends)
        if ends:
            done = events.MessageDonePayload(id, message.root_id, CONVERSATION_ID, "cancelled", 0)
            self.log_event(events.MessageDone, done)
        self._update_thread(id, -1)

    def restore(self, id: UUID) -> None:
        """Restore a deleted message."""
        text = self.deleted_texts.pop(id)
        self.change(id, as_="restored", content=text, deleted_at=None, deleted_by=None)
        self._update_thread(id, 1)

    def _update_thread(self, id: UUID, count: int) -> None:
        """Count messages, and update the excerpt of the thread, after a change of a message."""
        message = self.messages[id]
        thread = self.threads[message.root_id]
        is_root = id == message.root_id
        updated = structs.replace(
            thread,
            message_count=thread.message_count + count,
            root_excerpt=message.content[:240] if is_root else thread.root_excerpt,
        )
        if updated != thread:
            self.threads[message.root_id] = updated
            self._log_thread(updated)
        if updated.root_excerpt != thread.root_excerpt:
            self._log_settings()

    def _log_settings(self) -> None:
        texts = [m.content[:240] for m in self.messages.values() if m.content]
        excerpt = texts[-1] if texts else None
        payload = events.ConversationUpdatedPayload(self.info, excerpt)
        self.log_event(events.ConversationUpdated, payload)

    def rename(self, title: str) -> None:
        """Change the title."""
        self.update_settings({"title": title})

    def update_settings(self, changes: dict[str, Any]) -> None:
        """Change settings of the conversation."""
        self.system_prompt = changes.pop("system_prompt", self.system_prompt)
        self.info = structs.replace(self.info, **changes)
        self._log_settings()

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

    def delete_all(self) -> None:
        """Delete the conversation: nobody is in it any more."""
        payload = events.ConversationDeletedPayload(CONVERSATION_ID)
        self.log_event(events.ConversationDeleted, payload)
        self.people.clear()

    async def show_conversation(self, id: UUID) -> Conversation:
        """Return the snapshot of the conversation."""
        shared = {n: getattr(self.info, n) for n in self.info.__struct_fields__}
        return Conversation(
            **shared,
            system_prompt=self.system_prompt,
            role=self.people[ME].role,
            unread=min(1_000, sum(len(self.unread(root)) for root in self.threads)),
            last_activity_at=START,
            participant_count=len(self.people),
            last_event_id=self.position,
            last_message_excerpt=(self.latest.root_excerpt or None) if self.threads else None,
        )

    @property
    def latest(self) -> ThreadInfo:
        """The thread with the latest activity."""
        return max(self.threads.values(), key=lambda t: (t.last_activity_at, t.root_id))

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
            ThreadSummary(
                **{n: getattr(t, n) for n in t.__struct_fields__},
                unread=len(self.unread(t.root_id)),
                read_seq=self.read_seqs.get(t.root_id, 0),
            )
            for t in rows[start : start + self.page_size]
        ]
        next_cursor = str(start + self.page_size) if start + self.page_size < len(rows) else None
        return ThreadList(page, self.position, next_cursor)

    async def list_unread(self, id: UUID) -> UnreadList:
        """Return the threads with unread messages."""
        threads = []
        for root in self.threads:
            if unread := self.unread(root):
                first = min(unread, key=lambda m: m.path)
                threads.append(
                    ThreadUnread(
                        root,
                        min(1_000, len(unread)),
                        self.read_seqs.get(root, 0),
                        FirstUnread(first.id, first.path),
                    )
                )
        return UnreadList(threads, self.position)

    async def list_tree(
        self,
        root_id: UUID,
        *,
        cursor: str | None = None,
        before: str | None = None,
        around: UUID | None = None,
        limit: int | None = None,
    ) -> ThreadPage:
        """Return a page of a thread after a path, before one, or around a message."""
        rows = sorted(self._in_thread(root_id), key=lambda m: m.path)
        size = min(self.page_size, limit or self.page_size)
        start = sum(cursor is not None and m.path <= cursor for m in rows)
        if before is not None:
            start = max(0, sum(m.path < before for m in rows) - size)
            size = sum(m.path < before for m in rows) - start
        elif around is not None:
            middle = next(i for i, m in enumerate(rows) if m.id == around)
            start = max(0, min(middle - size // 2, len(rows) - size))
        page = rows[start : start + size]
        next_cursor = page[-1].path if page and start + size < len(rows) else None
        prev_cursor = page[0].path if page and start else None
        return ThreadPage(root_id, page, self.position, next_cursor, prev_cursor)

    async def list_messages(
        self, root_id: UUID, *, after_seq: int = 0, limit: int | None = None
    ) -> ThreadPage:
        """Return messages of a thread in the order of `seq`."""
        rows = [m for m in self._in_thread(root_id) if m.seq > after_seq]
        size = min(self.page_size, limit or self.page_size)
        page = sorted(rows, key=lambda m: m.seq)[:size]
        next_cursor = str(page[-1].seq) if len(rows) > size else None
        return ThreadPage(root_id, page, self.position, next_cursor)

    def mark_read(self, root_id: UUID, seq: int | None) -> ReadMarkerResult:
        """Move the mark of `ME` forward, by default to the end of the thread."""
        last = max((m.seq for m in self._in_thread(root_id)), default=0)
        target = last if seq is None else min(seq, last)
        return self._set_mark(root_id, max(target, self.read_seqs.get(root_id, 0)))

    def mark_unread(self, root_id: UUID, message_id: UUID) -> ReadMarkerResult:
        """Set the mark of `ME` before a message."""
        return self._set_mark(root_id, self.messages[message_id].seq - 1)

    def read_all(self) -> None:
        """Mark everything as read, without events."""
        for root in self.threads:
            self.read_seqs[root] = max(m.seq for m in self._in_thread(root))

    def unread(self, root_id: UUID) -> list[MessageView]:
        """Return the unread messages of a thread."""
        mark = self.read_seqs.get(root_id, 0)
        return [
            m
            for m in self._in_thread(root_id)
            if m.seq > mark and m.author_user_id != ME and m.deleted_at is None
        ]

    def _set_mark(self, root_id: UUID, seq: int) -> ReadMarkerResult:
        moved = seq != self.read_seqs.get(root_id, 0)
        self.read_seqs[root_id] = seq
        unread = min(1_000, len(self.unread(root_id)))
        if moved:
            payload = events.UnreadUpdatePayload(CONVERSATION_ID, root_id, ME, unread, seq)
            self.sent.append(events.UnreadUpdate(payload))
        return ReadMarkerResult(root_id, unread, seq)

    def _in_thread(self, root_id: UUID) -> list[MessageView]:
        return [m for m in self.messages.values() if m.root_id == root_id]
