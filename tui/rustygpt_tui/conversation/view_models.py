"""Pure functions that turn the state of a conversation into what the screens show.

They return texts, styled parts and rows; widgets draw them. Nothing here changes the state or
imports Textual.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.conversation.message_sender import PendingMessage
from rustygpt_tui.render.code_blocks import CodeBlock
from rustygpt_tui.render.text import one_line, pad, shorten, width
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.list_rows import ListRow, relative_age
from rustygpt_tui.widgets.transcript.entries import EntryContext

StyledText = tuple[str, str]
"""A text and the Textual style it is drawn in; the style may be empty."""

_MARKUP = re.compile(r"\*\*|__|~~|`+|^\s*(?:#+|>)\s+", re.MULTILINE)
_LAST_PATH = "\x7f"
"""Sorts after every path that the server assigns."""
_DIM = "$foreground 55%"
_MODES = {
    "always": "assistant answers",
    "mention": "@assistant to ask",
    "off": "no assistant",
}


def entry_context(
    state: State, first_unread: UUID | None, pending: Sequence[MessageView]
) -> EntryContext:
    """Return what the entries of a thread need besides their messages.

    `pending` are the messages that the server has not confirmed yet.
    """
    return EntryContext(
        state.me,
        {id_: state.name_of(id_) for id_ in state.participants},
        {id_: error.message for id_, error in state.errors.items()},
        first_unread,
        frozenset(message.id for message in pending),
    )


def pending_messages(
    state: State, pending: Sequence[PendingMessage], conversation_id: UUID | None, root: UUID | None
) -> list[MessageView]:
    """Return the unconfirmed messages of one thread as messages at its end."""
    return [
        MessageView(
            id=message.id,
            root_id=message.root_id or message.id,
            conversation_id=message.conversation_id,
            role="user",
            content=message.text,
            path=f"{_LAST_PATH}{position:06d}",
            depth=1,
            seq=0,
            created_at=datetime.now(UTC),
            author_user_id=state.me,
        )
        for position, message in enumerate(pending)
        if message.conversation_id == conversation_id
        and message.root_id == root
        and not (message.posted and state.message(message.posted.message_id))
    ]


def first_unread(state: State, root: UUID) -> UUID | None:
    """Return the id of a thread's first unread message in reading order.

    Returns None when nothing is unread or the thread is not loaded completely.
    """
    count = state.unread.get(root, 0)
    tree = state.trees.get(root)
    if not count or tree is None or tree.cursor:
        return None
    others = [m for m in tree if m.author_user_id != state.me and m.deleted_at is None]
    unread = {m.id for m in sorted(others, key=lambda m: m.seq)[-count:]}
    return next((m.id for m in others if m.id in unread), None)


def running_answer(state: State, root: UUID) -> MessageView | None:
    """Return the newest answer of a thread that is still being written, if there is one."""
    tree = state.trees.get(root)
    running = [m for id_ in tree.streaming if (m := tree.get(id_))] if tree else []
    return max(running, key=lambda m: m.seq, default=None)


def loading_label(state: State, root: UUID) -> str:
    """Return the progress of loading a thread, such as "Loading 3 of 9 messages …"."""
    tree = state.trees.get(root)
    thread = state.thread(root)
    if not tree or not thread:
        return "Loading …"
    return f"Loading {len(tree):,} of {max(len(tree), thread.message_count):,} messages …"


def header_parts(state: State | None, root: UUID | None, cells: int) -> list[StyledText]:
    """Return the header line of a thread in parts that together are `cells` wide.

    The conversation's title and the thread's first message are at the left, participants and
    assistant at the right. Without a state there are no parts.
    """
    if state is None:
        return []
    right = next((text for text in _facts(state) if width(text) <= cells // 2), "")
    title = shorten(one_line(state.info.title), max(8, cells - width(right) - 2))
    thread = state.thread(root) if root else None
    space = cells - width(title) - width(right) - 7
    excerpt = (
        f"  ·  {shorten(one_line(strip_markdown(thread.root_excerpt)), space)}"
        if thread and space > 8
        else ""
    )
    gap = pad("", cells - width(title) - width(excerpt) - width(right))
    return [(title, "bold"), (excerpt, _DIM), (gap, ""), (right, _DIM)]


def _facts(state: State) -> list[str]:
    """Return texts about participants and assistant, the longest first."""
    people = len(state.participants)
    mode = _MODES.get(state.info.assistant_mode, "")
    assistant = state.info.model or mode
    with_people = [f"{people} people · {assistant}"] if people > 1 else []
    return [*with_people, assistant, mode]


def reply_label(author: str, content: str, cells: int) -> str:
    """Return the line above the composer that names the message being replied to."""
    return shorten(f"↳ {one_line(author)}: {one_line(content)}", cells)


def code_block_label(block: CodeBlock) -> str:
    """Return a code block in one line: its language, its number of lines and its beginning."""
    lines = "1 line" if block.lines == 1 else f"{block.lines:,} lines"
    language = f"{one_line(block.language)}, " if block.language else ""
    return f"{language}{lines}: {shorten(one_line(block.code.strip()), 40)}"


def strip_markdown(excerpt: str) -> str:
    """Return an excerpt without Markdown markup, which lists do not render."""
    return _MARKUP.sub("", excerpt)


def conversation_rows(conversations: Sequence[Conversation], state: State | None) -> list[ListRow]:
    """Return the rows of the conversation list; `state` of the open one is newer than the list."""
    rows: list[ListRow] = []
    for conversation in conversations:
        live = state if state and state.info.id == conversation.id else None
        title = live.info.title if live else conversation.title
        unread = live.total_unread if live else conversation.unread
        newest = live.threads[0].root_excerpt if live and live.threads else ""
        excerpt = strip_markdown(conversation.last_message_excerpt or newest)
        rows.append(ListRow(conversation.id, title, excerpt or "no messages yet", unread))
    return rows


def thread_rows(state: State | None, now: datetime) -> list[ListRow]:
    """Return the rows of the thread list of the open conversation."""
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


def validation_sentence(error: ValueError) -> str:
    """Return a sentence for the user from a validation error of the form `field: reason`."""
    reason = str(error).rpartition(": ")[2] or "something typed here does not fit"
    return f"{reason[:1].upper()}{reason[1:]}."
