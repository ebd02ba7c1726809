"""What of a room's state is shown: lists, the header, what is on its way. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from textual.content import Content

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.conversation.message_sender import PendingMessage
from rustygpt_tui.render.code_blocks import CodeBlock
from rustygpt_tui.render.text import one_line, pad, shorten, width
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.lists import ListRow, relative_age
from rustygpt_tui.widgets.transcript.entries import EntryContext

_MARKUP = re.compile(r"\*\*|__|~~|`+|^\s*(?:#+|>)\s+", re.MULTILINE)
_LAST_PATH = "\x7f"
_MODES = {
    "always": "assistant answers",
    "mention": "@assistant to ask",
    "off": "no assistant",
}


def entry_context(
    state: State, unread: UUID | None, pending: Sequence[MessageView]
) -> EntryContext:
    """What the entries of a thread need to know; `waiting` are messages on their way."""
    return EntryContext(
        state.me,
        {id_: state.name_of(id_) for id_ in state.participants},
        {id_: trouble.message for id_, trouble in state.errors.items()},
        unread,
        frozenset(message.id for message in pending),
    )


def pending_messages(
    state: State, pending: Sequence[PendingMessage], conversation_id: UUID | None, root: UUID | None
) -> list[MessageView]:
    """Messages on their way into a thread, as if they were there."""
    return [
        MessageView(
            id=attempt.id,
            root_id=attempt.root_id or attempt.id,
            conversation_id=attempt.conversation_id,
            role="user",
            content=attempt.text,
            path=f"{_LAST_PATH}{position:06d}",
            depth=1,
            seq=0,
            created_at=datetime.now(UTC),
            author_user_id=state.me,
        )
        for position, attempt in enumerate(pending)
        if attempt.conversation_id == conversation_id
        and attempt.root_id == root
        and not (attempt.posted and state.message(attempt.posted.message_id))
    ]


def first_unread(state: State, root: UUID) -> UUID | None:
    """The first message, in order, that the reader has not read; None when there is none."""
    count, tree = state.unread.get(root, 0), state.trees.get(root)
    if not count or tree is None or tree.cursor:
        return None
    others = [m for m in tree if m.author_user_id != state.me and m.deleted_at is None]
    newest = {m.id for m in sorted(others, key=lambda m: m.seq)[-count:]}
    return next((m.id for m in others if m.id in newest), None)


def running_answer(state: State, root: UUID) -> MessageView | None:
    """The newest answer of a thread that is still being written."""
    tree = state.trees.get(root)
    found = [m for id_ in tree.streaming if (m := tree.get(id_))] if tree else []
    return max(found, key=lambda m: m.seq, default=None)


def loading_label(state: State, root: UUID) -> str:
    """How much of a thread is loaded, in words."""
    tree, thread = state.trees.get(root), state.thread(root)
    if not tree or not thread:
        return "Loading …"
    return f"Loading {len(tree):,} of {max(len(tree), thread.message_count):,} messages …"


def header(state: State | None, root: UUID | None, cells: int) -> Content:
    """The conversation's title and thread at the left, its people and assistant at the right."""
    if state is None:
        return Content("")
    right = next((words for words in _facts(state) if width(words) <= cells // 2), "")
    title = shorten(one_line(state.info.title), max(8, cells - width(right) - 2))
    thread = state.thread(root) if root else None
    space = cells - width(title) - width(right) - 7
    excerpt = (
        f"  ·  {shorten(one_line(strip_markdown(thread.root_excerpt)), space)}"
        if thread and space > 8
        else ""
    )
    gap = pad("", cells - width(title) - width(excerpt) - width(right))
    quiet = "$foreground 55%"
    return Content.assemble((title, "bold"), (excerpt, quiet), gap, (right, quiet))


def _facts(state: State) -> list[str]:
    """People and assistant, in ever fewer words."""
    people, mode = len(state.participants), _MODES.get(state.info.assistant_mode, "")
    assistant = state.info.model or mode
    counted = [f"{people} people · {assistant}"] if people > 1 else []
    return [*counted, assistant, mode]


def code_block_label(block: CodeBlock) -> str:
    """A block of code in a line: its language, its length, and how it begins."""
    lines = "1 line" if block.lines == 1 else f"{block.lines:,} lines"
    kind = f"{one_line(block.language)}, " if block.language else ""
    return f"{kind}{lines}: {shorten(one_line(block.code.strip()), 40)}"


def strip_markdown(excerpt: str) -> str:
    """An excerpt without the marks of Markdown, which mean nothing in a list."""
    return _MARKUP.sub("", excerpt)


def conversation_rows(conversations: Sequence[Conversation], state: State | None) -> list[ListRow]:
    """The list of conversations; what is known of the open one is newer than the list."""
    rows: list[ListRow] = []
    for known in conversations:
        live = state if state and state.info.id == known.id else None
        title = live.info.title if live else known.title
        unread = live.total_unread if live else known.unread
        newest = live.threads[0].root_excerpt if live and live.threads else ""
        note = strip_markdown(known.last_message_excerpt or newest) or "no messages yet"
        rows.append(ListRow(known.id, title, note, unread))
    return rows


def thread_rows(state: State | None, now: datetime) -> list[ListRow]:
    """The list of threads of the open conversation."""
    return [
        ListRow(
            thread.root_id,
            strip_markdown(thread.root_excerpt),
            f"{_message_count_label(thread.message_count)} · "
            f"{relative_age(thread.last_activity_at, now)}",
            state.unread.get(thread.root_id, 0),
        )
        for thread in (state.threads if state else ())
        if state
    ]


def _message_count_label(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages:,} messages"
