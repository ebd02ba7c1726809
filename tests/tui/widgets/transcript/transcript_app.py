"""An app with a transcript only, for tests of the widget."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

from tests.tui.sample_threads import ME, NAMES
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render.service import RenderService
from rustygpt_tui.widgets.transcript.entries import EntryContext
from rustygpt_tui.widgets.transcript.reports import TranscriptReports
from rustygpt_tui.widgets.transcript.widget import Transcript

CONTEXT = EntryContext(ME, NAMES)


class TranscriptApp(App[None]):
    """Shows messages, and records the reports of the transcript."""

    def __init__(
        self,
        messages: Sequence[MessageView] = (),
        context: EntryContext = CONTEXT,
        service: RenderService | None = None,
    ) -> None:
        super().__init__()
        self._service = service
        self.messages = list(messages)
        self.context = context
        self.texts: dict[UUID, str] = {}
        self.reports: list[Message] = []

    def compose(self) -> ComposeResult:
        yield ReportingTranscript(self.texts.get, service=self._service)

    def on_mount(self) -> None:
        self.transcript.focus()
        self.show_all()

    def show_all(self) -> None:
        """Show all messages as they are now."""
        self.messages.sort(key=lambda m: m.path)
        self.transcript.set_messages(self.messages, self.context)

    def add(self, messages: Sequence[MessageView]) -> None:
        """Add messages, as a page or an event does."""
        self.messages = sorted([*self.messages, *messages], key=lambda m: m.path)
        self.transcript.update_messages(messages, self.context)

    @property
    def transcript(self) -> Transcript:
        return self.query_one(Transcript)

    def reported(self, kind: type[Message]) -> int:
        """Return how often a report was posted."""
        return sum(type(report) is kind for report in self.reports)

    def screen_text(self) -> list[str]:
        """Return the text of each row."""
        rows = range(self.transcript.size.height)
        return [self.transcript.render_line(y).text.rstrip() for y in rows]

    def row_of(self, text: str) -> int:
        """Return the first row that contains a text."""
        return next(y for y, line in enumerate(self.screen_text()) if text in line)

    def header_row(self, id: UUID) -> int:
        """Return the row of the view in which a message's header is, also beyond the view."""
        layout = self.transcript.entry_layout
        index = layout.index(id)
        assert index is not None
        dividers = layout.entries[index].divider_rows
        return layout.top(index) + dividers - self.transcript.scroll_offset.y

    def top(self) -> tuple[UUID, int]:
        """Return the message at the top of the view, and the row counted from its header."""
        located = self.transcript.entry_layout.line(self.transcript.scroll_offset.y)
        assert located is not None
        return located[0].id, located[1] - located[0].divider_rows


class ReportingTranscript(Transcript):
    """A transcript whose reports are kept by the app, in the order of posting."""

    def post_message(self, message: Message) -> bool:
        if type(message) in vars(TranscriptReports).values() and isinstance(
            self.app, TranscriptApp
        ):
            self.app.reports.append(message)
        return super().post_message(message)


@asynccontextmanager
async def running(
    app: TranscriptApp, size: tuple[int, int] = (60, 20)
) -> AsyncIterator[Pilot[None]]:
    """Run the app for the duration of the block."""
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield pilot
