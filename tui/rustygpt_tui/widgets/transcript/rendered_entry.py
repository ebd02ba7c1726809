"""The lines of one entry: divider, header, text, and what became of an answer.

Pure: lines of named spans, `width` cells wide at most. The column at the left edge is left to the
widget, which marks the selected message there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown
from rustygpt_tui.render.text import one_line, shorten, width
from rustygpt_tui.render.wrap import wrap
from rustygpt_tui.widgets.transcript.entries import DEEPEST_INDENT, Entry

GUTTER = 2
MARGIN = 1
_NARROWEST = 16
_ENDS = {
    "cancelled": ("■ stopped", "note"),
    "length": ("… cut off at the model's limit", "note"),
    "timeout": ("✗ took too long and was stopped", "trouble"),
    "error": ("✗ failed", "trouble"),
}


@dataclass(slots=True)
class RenderedEntry:
    """An entry at one width: its lines, and the growing text of an answer in progress."""

    entry: Entry
    width: int
    head: list[Line]
    body: Sequence[Line]
    foot: list[Line]
    stream: StreamingMarkdown | None = None
    streamed_length: int = 0
    """Code points of the streamed text that `stream` has."""

    @property
    def height(self) -> int:
        """Rows of the entry."""
        return len(self.head) + len(self.body) + len(self.foot)

    def line(self, row: int) -> Line:
        """The line at a row; empty beyond the end."""
        for part in (self.head, self.body, self.foot):
            if row < len(part):
                return part[row]
            row -= len(part)
        return ()


def render_entry(entry: Entry, limit: int, text: str | None = None) -> RenderedEntry:
    """The page of an entry; `text` is that of an answer in progress."""
    space = text_width(entry, limit)
    head = [*_dividers(entry, limit), _header(entry, limit)]
    if entry.message.streaming:
        rendered = RenderedEntry(entry, limit, head, [], [()], StreamingMarkdown(space))
        append_text(rendered, text or entry.message.content)
        return rendered
    return RenderedEntry(
        entry, limit, head, _indented(entry, _body(entry, space)), _foot(entry, space)
    )


def text_width(entry: Entry, limit: int) -> int:
    """Cells for the text of an entry."""
    return max(_NARROWEST, limit - GUTTER - MARGIN - entry.indent)


def append_text(rendered: RenderedEntry, text: str) -> None:
    """Give an answer in progress its text so far."""
    if rendered.stream is None:
        return
    if rendered.streamed_length > len(text):
        rendered.stream, rendered.streamed_length = (
            StreamingMarkdown(text_width(rendered.entry, rendered.width)),
            0,
        )
    rendered.stream.append(text[rendered.streamed_length :])
    rendered.streamed_length = len(text)
    lines: list[Line] = [*rendered.stream.stable_lines, *rendered.stream.open_lines]
    room = text_width(rendered.entry, rendered.width)
    if lines and sum(width(span.text) for span in lines[-1]) < room:
        lines[-1] = (*lines[-1], Span("▌", "cursor"))
    else:
        lines.append((Span("▌", "cursor"),))
    rendered.body = _indented(rendered.entry, lines)


def estimate_rows(entry: Entry, limit: int) -> int:
    """Rows an entry will take, roughly, without rendering it."""
    room = text_width(entry, limit)
    content = entry.message.content
    rows = 2 + len(content) // room + content.count("\n")
    return rows + (1 if content else 0) + entry.divider_rows


def _body(entry: Entry, room: int) -> list[Line]:
    message = entry.message
    if message.deleted_at is not None:
        return [(Span("deleted", "note"),)]
    return render(message.content, room)


def _foot(entry: Entry, room: int) -> list[Line]:
    """What became of an answer, and the empty line that ends every entry."""
    text, style = _ENDS.get(entry.message.finish_reason or "", ("", ""))
    if entry.pending:
        text, style = "sending …", "note"
    if entry.error:
        text, style = f"✗ {one_line(entry.error)}", "trouble"
    if not text:
        return [()]
    return [*_indented(entry, wrap([Span(text, style)], room, hang=2)), ()]


def _indented(entry: Entry, lines: Sequence[Line]) -> list[Line]:
    if not entry.indent:
        return list(lines)
    guide = Span("│ " * (entry.indent // 2), "guide")
    return [(guide, *line) for line in lines]


def _header(entry: Entry, limit: int) -> Line:
    message = entry.message
    name = shorten(one_line(entry.author), max(4, (limit - entry.indent) // 2))
    spans = [Span("│ " * (entry.indent // 2), "guide")] if entry.indent else []
    spans.append(Span(name, _author_style(entry)))
    spans.append(Span(f"  {message.created_at.astimezone():%H:%M}", "meta"))
    spans.extend(Span(f"  {note}", "meta") for note in _notes(entry))
    if message.streaming:
        spans.append(Span("  writing", "live"))
    return _fitting(spans, limit - GUTTER - MARGIN)


def _notes(entry: Entry) -> list[str]:
    notes = []
    if entry.reply_to:
        notes.append(f"↳ {one_line(entry.reply_to)}")
    if entry.message.edited_at is not None and entry.message.deleted_at is None:
        notes.append("edited")
    if entry.branch_level > DEEPEST_INDENT:
        notes.append(f"⋯ {entry.branch_level} deep")
    return notes


def _author_style(entry: Entry) -> str:
    if entry.message.role == "assistant":
        return "author.assistant"
    if entry.own:
        return "author.own"
    return f"author.{_tint(entry.message.author_user_id)}"


def _tint(author: UUID | None) -> int:
    """One of four colours, the same for a person wherever they write."""
    return author.int % 4 if author else 0


def _dividers(entry: Entry, limit: int) -> list[Line]:
    lines: list[Line] = []
    if entry.day is not None:
        lines.extend([_ruled(_day(entry.day), limit, "day"), ()])
    if entry.first_unread:
        lines.extend([_ruled("new", limit, "unread"), ()])
    return lines


def _day(day: datetime) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _ruled(words: str, limit: int, style: str) -> Line:
    room = max(0, limit - GUTTER - MARGIN - len(words) - 4)
    return (Span(f"── {words} " + "─" * room, style),)


def _fitting(spans: list[Span], limit: int) -> Line:
    line: list[Span] = []
    for span in spans:
        room = limit - sum(width(kept.text) for kept in line)
        if room <= 0:
            break
        line.append(span._replace(text=shorten(span.text, room)))
    return tuple(line)
