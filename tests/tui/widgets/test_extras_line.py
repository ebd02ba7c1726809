"""The line above the composer with what the next message has besides its text."""

from textual.app import App, ComposeResult

from rustygpt_tui.store.attachment import Attachment
from rustygpt_tui.widgets.extras_line import ExtrasLine


class LineApp(App[None]):
    """Shows the line only."""

    def compose(self) -> ComposeResult:
        yield ExtrasLine(id="line")


async def test_it_takes_no_space_without_extras_and_shows_names_as_text() -> None:
    """Markup in names has no effect; many attachments are counted."""
    app = LineApp()
    async with app.run_test(size=(200, 5)):
        line = app.query_one(ExtrasLine)
        assert not line.display
        attachments = tuple(Attachment(f"[/b]{n}.md", "x" * 1_234) for n in range(6))
        line.show(attachments, "[red]m", left=-1_000, offer="21 lines pasted")
        text = str(line.render()).replace("\xa0", " ")
        assert line.display
        assert text.startswith("21 lines pasted · + [/b]0.md 1,234 characters · ")
        assert text.endswith("and 2 more · model [red]m · 1,000 characters too many · ^l removes")
        line.show((), None)
        assert not line.display
