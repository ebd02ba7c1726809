"""The status line."""

from textual.app import App, ComposeResult

from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.widgets.status import StatusLine


class Demo(App[None]):
    """An app with a status line only."""

    CSS = "StatusLine { height: 1; padding: 0 1; }"

    def compose(self) -> ComposeResult:
        yield StatusLine(id="status")

    def screen_text(self) -> str:
        return str(self.query_one(StatusLine).render_line(0).text)


async def test_it_shows_the_state_of_the_connection() -> None:
    """It shows connecting, live, and offline with the seconds until the next attempt."""
    app = Demo()
    async with app.run_test(size=(80, 3)) as pilot:
        line = app.query_one(StatusLine)
        for connection, text in (
            (Connecting(), "connecting …"),
            (Live(), "● live"),
            (Disconnected(5.2, "gone"), "offline · next try in 5 s"),
        ):
            line.show_connection(connection)
            await pilot.pause()
            assert text in app.screen_text()


async def test_hints_are_left_out_where_they_do_not_fit() -> None:
    """Connection and user are always shown, hints only if they fit."""
    app = Demo()
    async with app.run_test(size=(80, 3)) as pilot:
        line = app.query_one(StatusLine)
        line.show_connection(Live())
        line.show_person("ada [b]")
        line.show_hints("enter send")
        await pilot.pause()
        assert "enter send" in app.screen_text()
        assert app.screen_text().rstrip().endswith("ada [b]")
        await pilot.resize_terminal(24, 3)
        await pilot.pause()
        assert "enter send" not in app.screen_text()
        assert "live" in app.screen_text()
