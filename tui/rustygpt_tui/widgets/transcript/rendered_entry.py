"""Renders one entry to lines: dividers, header, reasoning, text and foot. No Textual import.

The gutter at the left edge is left free for the widget, which marks the selected message there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

from rustygpt_tui.render import Line, Span
from rustygpt_tui.render.labels import shorten_label
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown
from rustygpt_tui.render.tasks import RenderTask
from rustygpt_tui.render.text import first_words, one_line, shorten, width
from rustygpt_tui.render.text_renderer import Rendered, TextRenderer
from rustygpt_tui.render.wrap import wrap
from rustygpt_tui.widgets.transcript.entries import Entry, Quote
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer
from rustygpt_tui.widgets.transcript.reasoning import ReasoningView

GUTTER = 2
"""Cells at the left that the widget draws."""
MARGIN = 1
"""Empty cells at the right."""
INDENT = 2
"""Cells per level of branching."""
DEEPEST_INDENT = 4
"""Levels beyond this one are not indented further, which leaves space for the text."""
_MIN_TEXT_WIDTH = 16
"""Cells that no indentation takes from the text."""
UNREAD_MARK = "●"
_STEP = 2_048
"""The number of code points of an answer in progress that are added at once."""
_ENDS = {
    "cancelled": ("■ stopped", "note"),
    "length": ("… cut off at the model's limit", "note"),
    "timeout": ("✗ took too long and was stopped", "error"),
    "error": ("✗ failed", "error"),
}
_INCOMPLETE = frozenset({"cancelled", "timeout", "error"})
"""How an answer ended that its reader may want to have again."""
_NOT_LIVE = LiveAnswer()


@dataclass(slots=True)
class RenderedEntry:
    """An entry rendered at one width, and the Markdown stream of an answer in progress."""

    entry: Entry
    width: int
    head: list[Line]
    body: Sequence[Line]
    foot: list[Line]
    reasoning: list[Line] = field(default_factory=list)
    """The lines between header and text; the first one folds and unfolds the others."""
    reasoning_view: ReasoningView | None = None
    """Makes these lines."""
    stream: StreamingMarkdown | None = None
    streamed_length: int = 0
    """The number of code points that were appended to `stream`."""
    task: RenderTask | None = None
    """The task whose result replaces the body."""

    @property
    def height(self) -> int:
        """The number of rows."""
        return len(self.head) + len(self.reasoning) + len(self.body) + len(self.foot)

    def line(self, row: int) -> Line:
        """Return the line at a row; an empty line past the end."""
        for part in (self.head, self.reasoning, self.body, self.foot):
            if row < len(part):
                return part[row]
            row -= len(part)
        return ()


def render_entry(
    entry: Entry,
    limit: int,
    renderer: TextRenderer,
    text: str | None = None,
    shown: Sequence[Line] | None = None,
    live: LiveAnswer | None = None,
) -> RenderedEntry:
    """Return a rendered entry; `text` and `live` are those of an answer in progress.

    `shown` are the lines of its text that were shown so far, if it is the same text. A hidden entry
    has no lines.
    """
    if entry.hidden:
        return RenderedEntry(entry, limit, [], [], [])
    space = text_width(entry, limit)
    head = [*_dividers(entry, limit), _header(entry, limit)]
    if entry.message.streaming:
        rendered = RenderedEntry(entry, limit, head, [], [()], stream=renderer.stream(space))
        append_text(rendered, renderer, text or entry.message.content)
        show_live(rendered, live or _NOT_LIVE)
        return rendered
    body = _body(entry, space, renderer, shown)
    lines = _indented(entry, limit, body.lines)
    rendered = RenderedEntry(entry, limit, head, lines, _foot(entry, limit), task=body.task)
    if entry.message.deleted_at is None:
        _show_reasoning(rendered, entry.message.reasoning or "", is_growing=False)
    return rendered


def show_live(rendered: RenderedEntry, live: LiveAnswer) -> None:
    """Update what is shown of an answer in progress besides its text; its header stays one row."""
    entry, limit = rendered.entry, rendered.width
    rendered.head[-1] = _header(entry, limit, live.labels)
    reasoning = live.reasoning or entry.message.reasoning or ""
    _show_reasoning(rendered, reasoning, is_growing=not rendered.streamed_length)
    rendered.foot = [*_omission(entry, limit, live.omitted_messages), ()]


def _show_reasoning(rendered: RenderedEntry, text: str, *, is_growing: bool) -> None:
    entry, limit = rendered.entry, rendered.width
    if rendered.reasoning_view is None:
        indent = partial(_indented, entry, limit)
        rendered.reasoning_view = ReasoningView(text_width(entry, limit), indent)
    rendered.reasoning = rendered.reasoning_view.lines(
        text, is_open=entry.reasoning_open, is_growing=is_growing
    )


def indentation(entry: Entry, limit: int) -> int:
    """Return the indentation of an entry in cells; the text has half of the width at least."""
    most = min(limit // 2, limit - _MIN_TEXT_WIDTH) - GUTTER - MARGIN
    return INDENT * max(0, min(entry.branch_level, DEEPEST_INDENT, most // INDENT))


def text_width(entry: Entry, limit: int) -> int:
    """Return the number of cells for the text of an entry."""
    return max(1, limit - GUTTER - MARGIN - indentation(entry, limit))


def append_text(rendered: RenderedEntry, renderer: TextRenderer, text: str) -> bool:
    """Update a rendered answer in progress to its text so far, which usually has grown.

    A large part is added in several steps; return whether there is another one to take.
    """
    if rendered.stream is None:
        return False
    if rendered.streamed_length > len(text):
        rendered.stream = renderer.stream(text_width(rendered.entry, rendered.width))
        rendered.streamed_length = 0
    end = rendered.streamed_length + _STEP
    rendered.stream.append(text[rendered.streamed_length : end])
    rendered.streamed_length = min(end, len(text))
    _show_stream(rendered, rendered.stream)
    return rendered.streamed_length < len(text)


def recolour(rendered: RenderedEntry) -> None:
    """Show colours of an answer in progress that have become known."""
    if rendered.stream is not None and rendered.stream.recolour():
        _show_stream(rendered, rendered.stream)


def streamed_lines(rendered: RenderedEntry, text: str) -> list[Line] | None:
    """Return the lines of an answer that was in progress, if all of this text is shown."""
    stream = rendered.stream
    if stream is None or rendered.streamed_length != len(text):
        return None
    return [*stream.stable_lines, *stream.open_lines]


def _show_stream(rendered: RenderedEntry, stream: StreamingMarkdown) -> None:
    lines: list[Line] = [*stream.stable_lines, *stream.open_lines]
    space = text_width(rendered.entry, rendered.width)
    if lines and sum(width(span.text) for span in lines[-1]) < space:
        lines[-1] = (*lines[-1], Span("▌", "cursor"))
    else:
        lines.append((Span("▌", "cursor"),))
    rendered.body = _indented(rendered.entry, rendered.width, lines)


def estimate_rows(entry: Entry, limit: int) -> int:
    """Return a rough number of rows of an entry, without rendering it."""
    if entry.hidden:
        return 0
    space = text_width(entry, limit)
    content = entry.message.content
    rows = 2 + len(content) // space + content.count("\n")
    if reasoning := entry.message.reasoning:
        rows += 2 + len(reasoning) // space if entry.reasoning_open else 1
    return rows + (1 if content else 0) + entry.divider_rows


def _body(
    entry: Entry, space: int, renderer: TextRenderer, shown: Sequence[Line] | None
) -> Rendered:
    message = entry.message
    if message.deleted_at is not None:
        return Rendered([(Span(shorten(one_line(entry.deletion), space), "note"),)])
    return renderer.render(message.content, space, shown)


def _foot(entry: Entry, limit: int) -> list[Line]:
    """Return how the answer ended, and the empty line that ends every entry."""
    if entry.message.deleted_at is not None:
        return [()]
    notes = _omission(entry, limit, entry.message.omitted_messages or 0)
    text, style = _ENDS.get(entry.message.finish_reason or "", ("", ""))
    if entry.error:
        text, style = f"✗ {one_line(entry.error)}", "error"
    if not text:
        return [*notes, ()]
    spans = [Span(text, style)]
    if entry.may_ask_again and entry.message.finish_reason in _INCOMPLETE:
        spans.append(Span(" · R asks again", "note"))
    lines = wrap(spans, text_width(entry, limit), hang=2)
    return [*notes, *_indented(entry, limit, lines), ()]


def _omission(entry: Entry, limit: int, count: int) -> list[Line]:
    """Return the line about messages that did not fit into the prompt; none if all did."""
    if not count:
        return []
    messages = "1 earlier message" if count == 1 else f"{count:,} earlier messages"
    text = f"{messages} did not fit into the model's context"
    return _indented(entry, limit, wrap([Span(text, "meta")], text_width(entry, limit)))


def _indented(entry: Entry, limit: int, lines: Sequence[Line]) -> list[Line]:
    indent = indentation(entry, limit)
    if not indent:
        return list(lines)
    guide = Span("│ " * (indent // INDENT), "guide")
    return [(guide, *line) for line in lines]


def _header(entry: Entry, limit: int, labels: Sequence[str] = ()) -> Line:
    """Return the header; `labels` say what happens to an answer in progress, longest first."""
    message = entry.message
    indent = indentation(entry, limit)
    name = shorten_label(one_line(entry.author), max(4, (limit - indent) // 2))
    spans = [Span("│ " * (indent // INDENT), "guide")] if indent else []
    spans.append(Span(name, _author_style(entry)))
    spans.append(Span(f"  {message.created_at.astimezone():%H:%M}", "meta"))
    if entry.unread:
        spans.append(Span(f" {UNREAD_MARK}", "unread"))
    if entry.siblings is not None:
        spans.append(Span("  {} of {}".format(*entry.siblings), "siblings"))
    if labels:
        space = limit - GUTTER - MARGIN - sum(width(span.text) for span in spans) - 2
        label = next((text for text in labels if width(text) <= space), labels[-1])
        spans.append(Span(f"  {label}", "live"))
    if entry.pending:  # in the header, so that no row moves when the message is confirmed
        spans.append(Span("  sending …", "note"))
    if entry.folded:
        spans.append(Span(f"  {_fold_label(entry)}", "fold"))
    spans.extend(Span(f"  {note}", "meta") for note in _notes(entry))
    return _fitting(spans, limit - GUTTER - MARGIN)


def _fold_label(entry: Entry) -> str:
    new = f" ({entry.folded_unread:,} new)" if entry.folded_unread else ""
    return f"▸ {entry.folded:,} folded{new}"


def _notes(entry: Entry) -> list[str]:
    notes = []
    if entry.message.edited_at is not None and entry.message.deleted_at is None:
        notes.append("edited")
    if entry.branch_level > DEEPEST_INDENT:
        notes.append(f"⋯ {entry.branch_level} deep")
    if entry.quote is not None:
        notes.append(f"↳ {_quote_label(entry.quote)}")
    return notes


def _quote_label(quote: Quote) -> str:
    """Return whom and what a message replies to, in one line that the header cuts."""
    text = first_words(quote.text)
    label = ": ".join(part for part in (one_line(quote.author), text) if part)
    return label or "an earlier message"


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
