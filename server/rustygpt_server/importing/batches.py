"""What is read from a file, as rows for the database, in batches of a bounded size.

Messages are added depth first: a message's parent is the one before it, or one above that. So only
the branch down to the last message is kept in memory.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct, field

from rustygpt_server.importing.errors import BadFile, NotJson
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.exports import ImportedConversation
from rustygpt_shared.models.messages import MessageError, Usage
from rustygpt_shared.text_rules import MESSAGE_MAX

BATCH_ROWS: Final = 250
BATCH_CHARACTERS: Final = 400_000
MAX_CONVERSATIONS: Final = 5_000
MAX_DEPTH: Final = 100_000
MAX_SEQ: Final = 1_000_000_000
_ROW_CHARACTERS: Final = 300
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_IMPORTED: Final = ", imported"
_NAME_MAX: Final = 64
_NO_ID: Final = UUID(int=0)


class NewConversation(Struct, omit_defaults=True):
    """A conversation to be stored."""

    title: str
    is_group: bool
    assistant_mode: str
    created_at: datetime
    model: str | None = None
    system_prompt: str | None = None
    archived_at: datetime | None = None
    id: UUID = _NO_ID
    """Set by the writer."""


class NewThread(Struct):
    """A thread to be stored."""

    root_id: UUID
    conversation_id: UUID
    created_at: datetime


class NewRevision(Struct, omit_defaults=True):
    """An earlier text to be stored."""

    number: int
    content: str
    written_at: datetime
    change: str
    replaced_at: datetime
    reasoning: str | None = None
    reason: str | None = None
    message_id: UUID = _NO_ID
    conversation_id: UUID = _NO_ID


class NewMessage(Struct, omit_defaults=True):
    """A message to be stored; the writer sets the ids, the depth and the ordinal."""

    role: str
    content: str
    seq: int
    created_at: datetime
    is_mine: bool = False
    author_name: str | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    model: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    error: MessageError | None = None
    id: UUID = _NO_ID
    root_id: UUID = _NO_ID
    conversation_id: UUID = _NO_ID
    parent_id: UUID | None = None
    depth: int = 0
    ordinal: int = -1


class ThreadEnd(Struct):
    """The totals of a thread."""

    root_id: UUID
    conversation_id: UUID
    last_activity_at: datetime
    message_count: int = 0
    last_seq: int = 0
    is_mine: bool = False
    """Whether the importing user wrote in it."""


class ConversationEnd(Struct):
    """The totals of a conversation."""

    id: UUID
    last_activity_at: datetime
    last_event_number: int = 0
    last_message_id: UUID | None = None


class Batch(Struct):
    """Rows by table, in the order in which they are stored."""

    conversations: list[NewConversation] = field(default_factory=list)
    threads: list[NewThread] = field(default_factory=list)
    messages: list[NewMessage] = field(default_factory=list)
    revisions: list[NewRevision] = field(default_factory=list)
    thread_ends: list[ThreadEnd] = field(default_factory=list)
    conversation_ends: list[ConversationEnd] = field(default_factory=list)


class BatchWriter:
    """Collects rows, and knows the place in the tree of the message that comes next."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.left_out: Counter[str] = Counter()
        """What a file has and a conversation cannot have, and how often."""
        self.ended: list[ImportedConversation] = []
        """The conversations that are complete since the last batch."""
        self.conversation_count = 0
        self.message_count = 0
        self._batch = Batch()
        self._rows = 0
        self._characters = 0
        self._conversation: NewConversation | None = None
        self._conversation_end: ConversationEnd
        self._totals = [0, 0]
        self._thread: ThreadEnd | None = None
        self._ordinal = 0
        self._last_root_ms = 0
        self._branch: list[tuple[object, UUID, int]] = []
        """Key, id and seq of the last message and of those above it, by depth."""
        self._depths: dict[object, int] = {}

    def begin_conversation(self, conversation: NewConversation) -> None:
        """Begin a conversation; it gets an id."""
        self.end_conversation()
        self.conversation_count += 1
        if self.conversation_count > MAX_CONVERSATIONS:
            raise BadFile(f"The file has more than {MAX_CONVERSATIONS:,} conversations; split it")
        conversation.id = new_id(_milliseconds(conversation.created_at))
        self._conversation = conversation
        self._conversation_end = ConversationEnd(conversation.id, conversation.created_at)
        self._totals = [0, 0]
        self._last_root_ms = 0
        self._batch.conversations.append(conversation)
        self._count(len(conversation.system_prompt or ""))

    def add(self, key: object, parent: object, message: NewMessage) -> None:
        """Add a message below another one of the branch, or as the root of a new thread.

        Raises BadFile if its parent is not in the branch.
        """
        self._place(key, parent, message)
        self._batch.messages.append(message)
        self._count(len(message.content) + len(message.reasoning or ""))
        self.message_count += 1
        self._totals[1] += 1
        self._update_totals(message)

    def add_revision(self, message: NewMessage, revision: NewRevision) -> None:
        """Add an earlier text of a message that has been added."""
        revision.message_id = message.id
        revision.conversation_id = message.conversation_id
        self._batch.revisions.append(revision)
        self._count(len(revision.content) + len(revision.reasoning or ""))

    def end_conversation(self) -> None:
        """End the conversation, if one was started."""
        conversation, self._conversation = self._conversation, None
        if conversation is None:
            return
        self._end_thread()
        self._batch.conversation_ends.append(self._conversation_end)
        threads, messages = self._totals
        self.ended.append(
            ImportedConversation(conversation.id, conversation.title, threads, messages)
        )
        self._count(0)

    def is_full(self) -> bool:
        """Return True if the rows should be stored now."""
        return self._rows >= BATCH_ROWS or self._characters >= BATCH_CHARACTERS

    def take(self) -> Batch | None:
        """Remove and return the rows; None if there are none."""
        if not self._rows:
            return None
        batch, self._batch = self._batch, Batch()
        self._rows = self._characters = 0
        return batch

    def time(self, value: datetime) -> datetime:
        """Return a time of the file in UTC, between 1970 and now."""
        # Compared as it is: in UTC it may be before the first year, or after the last one.
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return min(max(aware, _EPOCH), self.now).astimezone(UTC)

    def _count(self, characters: int) -> None:
        self._rows += 1
        self._characters += characters + _ROW_CHARACTERS

    def _place(self, key: object, parent: object, message: NewMessage) -> None:
        if self._conversation is None:
            raise BadFile("It has a message before a conversation")
        milliseconds = _milliseconds(message.created_at)
        message.conversation_id = self._conversation.id
        if parent is None:
            self._end_thread()
            # Threads are shown and exported in the order of their ids.
            self._last_root_ms = max(milliseconds, self._last_root_ms + 1)
            message.id = message.root_id = new_id(self._last_root_ms)
            self._begin_thread(message)
        else:
            self._enter_branch(parent, message)
            message.id = new_id(milliseconds)
        if self._thread is None:
            raise BadFile("It has a reply before the root of a thread")
        message.root_id = self._thread.root_id
        message.depth = len(self._branch) + 1
        message.ordinal = self._ordinal
        self._ordinal += 1
        if message.depth > MAX_DEPTH:
            raise BadFile(f"Its replies are nested more than {MAX_DEPTH:,} deep")
        self._depths[key] = len(self._branch)
        self._branch.append((key, message.id, message.seq))

    def _begin_thread(self, root: NewMessage) -> None:
        self._ordinal = 0
        self._thread = ThreadEnd(root.id, root.conversation_id, root.created_at)
        self._batch.threads.append(NewThread(root.id, root.conversation_id, root.created_at))
        self._totals[0] += 1

    def _enter_branch(self, parent: object, message: NewMessage) -> None:
        """Go back to a message's parent in the branch."""
        depth = self._depths.get(parent)
        if depth is None:
            raise BadFile(
                "Its parent is not among the messages before it in the same branch: it is missing, "
                "or the messages are not in depth-first order"
            )
        for key, _, _ in self._branch[depth + 1 :]:
            self._depths.pop(key, None)
        del self._branch[depth + 1 :]
        _, message.parent_id, seq = self._branch[-1]
        if message.seq <= seq:
            raise BadFile("Its seq is not above that of its parent")

    def _update_totals(self, message: NewMessage) -> None:
        thread, conversation = self._thread, self._conversation_end
        if thread is None:
            return
        thread.message_count += message.deleted_at is None
        thread.last_seq = max(thread.last_seq, message.seq)
        thread.is_mine = thread.is_mine or message.is_mine
        thread.last_activity_at = max(thread.last_activity_at, message.created_at)
        conversation.last_event_number = max(conversation.last_event_number, message.seq)
        is_last = message.created_at >= conversation.last_activity_at
        if is_last and message.deleted_at is None and message.content:
            conversation.last_message_id = message.id
        conversation.last_activity_at = max(conversation.last_activity_at, message.created_at)

    def _end_thread(self) -> None:
        thread, self._thread = self._thread, None
        self._branch.clear()
        self._depths.clear()
        if thread is not None:
            self._batch.thread_ends.append(thread)
            self._count(0)


def in_parts(batch: Batch) -> Iterator[Batch]:
    """Yield the rows in batches that one statement stores; a large conversation has many."""
    part, rows, characters = Batch(), 0, 0
    for name in Batch.__struct_fields__:
        for row in getattr(batch, name):
            if rows >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
                yield part
                part, rows, characters = Batch(), 0, 0
            getattr(part, name).append(row)
            rows += 1
            characters += _characters(row)
    yield part


def _characters(row: object) -> int:
    texts = [getattr(row, name, None) or "" for name in ("content", "reasoning", "system_prompt")]
    return _ROW_CHARACTERS + sum(map(len, texts))


def storable(text: str, subject: str, limit: int = MESSAGE_MAX) -> str:
    """Return a text; raise BadFile if the database cannot store it, or it is too long."""
    if len(text) > limit:
        raise BadFile(f"{subject} has {len(text):,} characters; at most {limit:,} are allowed")
    if "\x00" in text:
        raise BadFile(f"{subject} has a NUL character")
    return text


def imported_name(name: str) -> str:
    """Return the name that is shown for an author who is not the importing user.

    It says that it is imported: nobody can put words into the mouth of another account.
    """
    short = " ".join(storable(name, "The name of its author", 1_000).split())
    bare = short.removesuffix(_IMPORTED)[:_NAME_MAX].rstrip()
    return f"{bare or 'somebody'}{_IMPORTED}"


def decode(data: bytes, shape: Any) -> Any:
    """Return a value of this shape from JSON; raise BadFile if it is none."""
    try:
        return msgspec.json.decode(data, type=shape)
    except msgspec.ValidationError as error:
        raise BadFile(str(error).replace("`", "").partition("\n")[0][:300]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson(f"It is not valid JSON ({str(error)[:200]})") from None
    except RecursionError:
        raise BadFile("It is nested too deeply") from None


def _milliseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1_000))
