"""The status line: connection, key hints and the signed-in user."""

import time

from textual.content import Content
from textual.widgets import Static

from rustygpt_tui.client.feed import Connecting, Connection, Disconnected, Live
from rustygpt_tui.client.polling import Polling
from rustygpt_tui.render.text import one_line, shorten, width


class StatusLine(Static):
    """Connection at the left, key hints in the middle, the user at the right."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._connection: Connection | None = None
        self._lost_at = 0.0
        self._hints = ""
        self._person = ""

    def on_mount(self) -> None:
        """Start the countdown to the next connection attempt."""
        self.set_interval(1, self._tick)

    def on_resize(self) -> None:
        """Cut the texts to the new width."""
        self._draw()

    def show_connection(self, connection: Connection | None) -> None:
        """Show the state of the stream's connection; None shows nothing."""
        self._connection = connection
        self._lost_at = time.monotonic()
        self._draw()

    def show_hints(self, hints: str) -> None:
        """Show the keys that are useful now."""
        if hints != self._hints:
            self._hints = hints
            self._draw()

    def show_person(self, person: str) -> None:
        """Show who is signed in."""
        self._person = one_line(person)
        self._draw()

    def _tick(self) -> None:
        if isinstance(self._connection, Disconnected):
            self._draw()

    def _draw(self) -> None:
        dot, style, text = self._connection_text()
        cells = max(0, self.size.width - 2)
        left = f"{dot} {text}" if text else ""
        person = shorten(self._person, max(0, cells - width(left) - 2))
        space = cells - width(left) - width(person)
        hints = shorten(self._hints, max(0, space - 6)) if space > 16 else ""
        before = (space - width(hints)) // 2
        after = max(0, space - before - width(hints))
        self.update(
            Content.assemble(
                (left, style),
                " " * before,
                (hints, "$foreground 60%"),
                " " * after,
                (person, "$foreground 60%"),
            )
        )

    def _connection_text(self) -> tuple[str, str, str]:
        """Return a symbol, its style and a text for the connection."""
        match self._connection:
            case Live():
                return "●", "$text-success", "live"
            case Connecting():
                return "○", "$text-warning", "connecting …"
            case Polling(interval=interval):
                return "○", "$text-warning", f"no live updates · checks every {interval:.0f} s"
            case Disconnected(retry_in=delay):
                seconds = max(0, round(delay - (time.monotonic() - self._lost_at)))
                return "▲", "bold $text-error", f"offline · next try in {seconds} s · F5 now"
            case _:
                return "", "", ""
