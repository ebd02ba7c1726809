"""Renders one entry to lines: dividers, header, text and status of the answer. No Textual import.

The gutter at the left edge is left free for the widget, which marks the selected message there.
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
"""Cells at the left that the widget draws."""
MARGIN = 1
"""Empty cells at the right."""
_MIN_TEXT_WIDTH = 16
_ENDS = {
    "cancelled": ("■ stopped", "note"),
    "length": ("… cut off at the model's limit", "note"),
    "timeout": ("✗ took too long and was stopped", "error"),
    "error": ("✗ failed", "error"),
}


@dataclass(slots=True)
class RenderedEntry:
    """An entry rendered at one width, and the Markdown stream of an answer in progress."""

    entry: Entry
    width: int
    head: list[Line]
    body: Sequence[Line]
    foot: list[Line]
    stream: StreamingMarkdown | None = None
    streamed_length: int = 0
    """The number of code points that were appended to `stream`."""

    @property
    def height(self) -> int:
        """The number of rows."""
        return len(self.head) + len(self.body) + len(self.foot)

    def line(self, row: int) -> Line:
        """Return the line at a row; an empty line past the end."""
        for part in (self.head, self.body, self.foot):
            if row < len(part):
                return part[row]
            row -= len(part)
        return ()


def render_entry(entry: Entry, limit: int, text: str | None = None) -> RenderedEntry:
    """Return a rendered entry; `text` is the text so far of an answer in progress."""
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
    """Return the number of cells for the text of an entry."""
    return max(_MIN_TEXT_WIDTH, limit - GUTTER - MARGIN - entry.indent)


def append_text(rendered: RenderedEntry, text: str) -> None:
    """Update a rendered answer in progress to its text so far, which usually has grown."""
    if rendered.stream is None:
        return
    if rendered.streamed_length > len(text):
        rendered.stream = StreamingMarkdown(text_width(rendered.entry, rendered.width))
        rendered.streamed_length = 0
    rendered.stream.append(text[rendered.streamed_length :])
    rendered.streamed_length = len(text)
    lines: list[Line] = [*rendered.stream.stable_lines, *rendered.stream.open_lines]
    space = text_width(rendered.entry, rendered.width)
    if lines and sum(width(span.text) for span in lines[-1]) < space:
        lines[-1] = (*lines[-1], Span("▌", "cursor"))
    else:
        lines.append((Span("▌", "cursor"),))
    rendered.body = _indented(rendered.entry, lines)


def estimate_rows(entry: Entry, limit: int) -> int:
    """Return a rough number of rows of an entry, without rendering it."""
    space = text_width(entry, limit)
    content = entry.message.content
    rows = 2 + len(content) // space + content.count("\n")
    return rows + (1 if content else 0) + entry.divider_rows


def _body(entry: Entry, space: int) -> list[Line]:
    message = entry.message
    if message.deleted_at is not None:
        return [(Span("deleted", "note"),)]
    return render(message.content, space)


def _foot(entry: Entry, space: int) -> list[Line]:
    """Return how the answer ended, and the empty line that ends every entry."""
    text, style = _ENDS.get(entry.message.finish_reason or "", ("", ""))
    if entry.pending:
        text, style = "sending …", "note"
    if entry.error:
        text, style = f"✗ {one_line(entry.error)}", "error"
    if not text:
        return [()]
    return [*_indented(entry, wrap([Span(text, style)], space, hang=2)), ()]


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
    """Return the number of an author's colour, 0 to 3."""
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


def _ruled(text: str, limit: int, style: str) -> Line:
    rest = max(0, limit - GUTTER - MARGIN - len(text) - 4)
    return (Span(f"── {text} " + "─" * rest, style),)


def _fitting(spans: list[Span], limit: int) -> Line:
    line: list[Span] = []
    for span in spans:
        space = limit - sum(width(before.text) for before in line)
        if space <= 0:
            break
        line.append(span._replace(text=shorten(span.text, space)))
    return tuple(line)
