"""Pure functions that turn the state of a conversation into what the screens show.

They return texts, styled parts and rows; widgets draw them. Nothing here changes the state or
imports Textual.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from typing import Literal
from uuid import UUID

from rustygpt_shared.models.conversations import Conversation, ThreadInfo, unread_label
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.conversation.message_sender import PendingMessage
from rustygpt_tui.render.code_blocks import CodeBlock
from rustygpt_tui.render.text import first_words, one_line, pad, shorten, strip_markdown, width
from rustygpt_tui.store.reading import Reading
from rustygpt_tui.store.state import State
from rustygpt_tui.store.tree import END, MessageTree
from rustygpt_tui.widgets.list_rows import ListRow, relative_age
from rustygpt_tui.widgets.transcript.entries import EntryContext, Quote

StyledText = tuple[str, str]
"""A text and the Textual style it is drawn in; the style may be empty."""

_DIM = "$foreground 55%"
_MODES = {
    "always": "assistant answers",
    "mention": "@assistant to ask",
    "off": "no assistant",
}


def entry_context(
    state: State,
    pending: Sequence[MessageView],
    *,
    first_unread: UUID | None = None,
    unread: frozenset[UUID] = frozenset(),
    quotes: Mapping[UUID, Quote] | None = None,
) -> EntryContext:
    """Return what the entries of a thread need besides their messages.

    `pending` are the messages that the server has not confirmed yet, `quotes` the messages replied
    to that are not among the entries, `unread` those that are marked as unread.
    """
    return EntryContext(
        state.me,
        state.names(),
        first_unread=first_unread,
        pending=frozenset(message.id for message in pending),
        unread=unread,
        quotes=quotes or {},
        may_ask_again=_may_ask_again(state),
    )


def _may_ask_again(state: State) -> Literal["all", "own", "none"]:
    """Return which answers the user may ask for again, as far as is known; the server decides."""
    info = state.info
    if info.archived_at is not None or info.assistant_mode == "off":
        return "none"
    if state.role in {"owner", "admin"}:
        return "all"
    return "none" if state.role in {None, "viewer"} else "own"


def pending_messages(
    state: State, pending: Sequence[PendingMessage], conversation_id: UUID | None, root: UUID | None
) -> list[MessageView]:
    """Return the unconfirmed messages of one thread as messages at their place in the tree.

    That is after the loaded replies to the message that they reply to.
    """
    tree = state.trees.get(root) if root else None
    shown: dict[UUID, MessageView] = {}
    for position, message in enumerate(pending):
        if message.conversation_id != conversation_id or message.root_id != root:
            continue
        if message.posted and state.message(message.posted.message_id):
            continue
        target = message.target.resolved()
        parent = shown.get(target.after.id) if target.after else None
        last = parent
        if parent is None and target.message_id and tree:
            parent = tree.get(target.message_id)
            last = tree.branch_end(target.message_id)
        path = f"{last.path if last else ''}{END}{position:06d}"
        shown[message.id] = _pending_message(state, message, parent, path)
    return list(shown.values())


def _pending_message(
    state: State, message: PendingMessage, parent: MessageView | None, path: str
) -> MessageView:
    return MessageView(
        id=message.id,
        root_id=message.root_id or message.id,
        conversation_id=message.conversation_id,
        role="user",
        content=message.text,
        path=path,
        depth=parent.depth + 1 if parent else 1,
        seq=0,
        created_at=message.created_at,
        parent_id=parent.id if parent else None,
        author_user_id=state.me,
    )


def first_unread(state: State, root: UUID) -> UUID | None:
    """Return the id of the unread message that comes first in reading order, if one is known.

    Known are the messages above the mark that were listed and, while not all of them are, those
    that are loaded to be shown.
    """
    reading = state.readings.get(root)
    if reading is None:
        return None
    first = min(((m.path, m.id) for m in reading.unseen), default=None)
    if reading.is_complete or not reading.is_mark_known:
        return first[1] if first else None
    for message in state.trees.get(root) or ():
        if first and message.path >= first[0]:
            break
        if reading.has_unseen(message, state.me):
            return message.id
    return first[1] if first else None


def running_answers(state: State, root: UUID, *, own: bool = False) -> list[MessageView]:
    """Return the answers of a thread that are still being written, in the order they began.

    `own` limits it to answers to the user's own messages.
    """
    tree = state.trees.get(root)
    running = [m for id_ in tree.streaming if (m := tree.get(id_))] if tree else []
    if own and tree:
        running = [m for m in running if _is_by(tree, m.parent_id, state.me)]
    return sorted(running, key=lambda m: m.seq)


def answer_to_stop(
    running: Sequence[MessageView], selected: UUID | None, in_view: Set[UUID]
) -> MessageView:
    """Return the selected one of the running answers, else the newest in view, else the newest."""
    chosen = [m for m in running if m.id == selected] or [m for m in running if m.id in in_view]
    return (chosen or running)[-1]


def _is_by(tree: MessageTree, id: UUID | None, user_id: UUID) -> bool:
    message = tree.get(id) if id else None
    return message is not None and message.author_user_id == user_id


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
        f"  ·  {shorten(one_line(_thread_label(thread)), space)}" if thread and space > 8 else ""
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


def target_label(author: str, content: str, cells: int) -> str:
    """Return the line above the composer that names the message being replied to."""
    words = first_words(content)
    return shorten(f"↳ to {one_line(author)}{': ' if words else ''}{words}", cells)


def pill_texts(
    state: State, root: UUID, view: tuple[str, str], *, follows_end: bool
) -> tuple[str, str]:
    """Return what is shown above and below the messages in view: how many unread ones there are.

    `view` is the first and the last path on screen. Below, an answer in progress is named as well.
    While not all unread messages are known, only the total has a number, if all are below.
    """
    first, last = view
    reading = state.readings.get(root) or Reading(is_complete=True)
    unseen = [m.path for m in reading.unseen]
    answer = next(reversed(running_answers(state, root)), None)
    goes_on = answer is not None and answer.path >= last and not follows_end
    above = sum(path < first for path in unseen)
    below = sum(path > last and not (answer and path == answer.path) for path in unseen)
    if reading.is_complete:
        labels = [f"{unread_label(count)} new" if count else "" for count in (above, below)]
    else:
        total = f"{unread_label(reading.count)} new" if not above else "new"
        labels = ["new" if above else "", total if below else ""]
    texts = [*filter(None, [labels[1]]), *(["the answer goes on"] if goes_on else [])]
    return f"↑ {labels[0]}" if labels[0] else "", f"↓ {' · '.join(texts)}" if texts else ""


def code_block_label(block: CodeBlock) -> str:
    """Return a code block in one line: its language, its number of lines and its beginning."""
    lines = "1 line" if block.lines == 1 else f"{block.lines:,} lines"
    language = f"{one_line(block.language)}, " if block.language else ""
    return f"{language}{lines}: {shorten(one_line(block.code.strip()), 40)}"


def conversation_rows(
    conversations: Sequence[Conversation], hidden: Mapping[UUID | None, int] | None = None
) -> list[ListRow]:
    """Return the rows of the conversation list; `hidden` unread messages are not counted."""
    hidden = hidden or {}
    return [
        ListRow(
            conversation.id,
            conversation.title,
            strip_markdown(conversation.last_message_excerpt or "") or "no messages yet",
            max(0, conversation.unread - hidden.get(conversation.id, 0)),
        )
        for conversation in conversations
    ]


def management_choices(state: State | None) -> list[tuple[str, str]]:
    """Return what the user may do with a conversation as a whole, as (action, label)."""
    choices = []
    if state is not None and state.role in {"owner", "admin"}:
        if state.info.archived_at is None:
            choices.append(("archive", "Archive it: read only, and in nobody's list"))
        else:
            choices.append(("unarchive", "Unarchive it"))
    if state is not None:
        choices.append(("leave", "Leave it"))
    if state is not None and state.role == "owner":
        choices.append(("delete", "Delete it with everything in it, for everybody"))
    return [*choices, ("archived", "Show the archived conversations")]


def unread_besides_answers(state: State, root: UUID | None) -> int:
    """Return the unread messages of the open thread, without answers that are being written."""
    tree = state.trees.get(root) if root else None
    reading = state.readings.get(root) if root else None
    if tree is None or reading is None:
        return 0
    return max(0, reading.count - sum(m.id in tree.streaming for m in reading.unseen))


def thread_rows(state: State | None, now: datetime, opened: UUID | None = None) -> list[ListRow]:
    """Return the rows of the thread list of the open conversation; `opened` is the open thread."""
    return [
        ListRow(
            thread.root_id,
            _thread_label(thread),
            f"{_message_count_label(thread.message_count)} · "
            f"{relative_age(thread.last_activity_at, now)}",
            unread_besides_answers(state, opened)
            if thread.root_id == opened
            else state.unread(thread.root_id),
        )
        for thread in (state.threads if state else ())
        if state
    ]


def _thread_label(thread: ThreadInfo) -> str:
    """Return the beginning of a thread's first message, unless that is deleted."""
    return strip_markdown(thread.root_excerpt) or "(deleted)"


def _message_count_label(messages: int) -> str:
    return "1 message" if messages == 1 else f"{messages:,} messages"


def validation_sentence(error: ValueError) -> str:
    """Return a sentence for the user from a validation error of the form `field: reason`."""
    reason = str(error).rpartition(": ")[2] or "something typed here does not fit"
    return f"{reason[:1].upper()}{reason[1:]}."
