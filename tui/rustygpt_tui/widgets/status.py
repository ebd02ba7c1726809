"""The line at the bottom: whether what is seen is true, who is signed in, and what keys do."""

import time

from textual.content import Content
from textual.widgets import Static

from rustygpt_tui.client.feed import Connecting, Disconnected, Live
from rustygpt_tui.render.text import one_line, shorten, width

Connection = Connecting | Live | Disconnected | None


class StatusLine(Static):
    """Connection at the left, hints in the middle, the person at the right."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._connection: Connection = None
        self._lost_at = 0.0
        self._hints = ""
        self._person = ""

    def on_mount(self) -> None:
        """Count down while the connection is lost."""
        self.set_interval(1, self._tick)

    def on_resize(self) -> None:
        """Cut to the width there is."""
        self._draw()

    def show_connection(self, connection: Connection) -> None:
        """Tell how the stream stands."""
        self._connection, self._lost_at = connection, time.monotonic()
        self._draw()

    def show_hints(self, hints: str) -> None:
        """Tell the keys that matter now."""
        if hints != self._hints:
            self._hints = hints
            self._draw()

    def show_person(self, person: str) -> None:
        """Tell who is signed in, and where."""
        self._person = one_line(person)
        self._draw()

    def _tick(self) -> None:
        if isinstance(self._connection, Disconnected):
            self._draw()

    def _draw(self) -> None:
        dot, style, words = self._connection_text()
        cells = max(0, self.size.width - 2)
        left = f"{dot} {words}" if words else ""
        person = shorten(self._person, max(0, cells - width(left) - 2))
        space = cells - width(left) - width(person)
        hints = shorten(self._hints, max(0, space - 6)) if space > 16 else ""
        before = (space - width(hints)) // 2
        gaps = " " * before, " " * max(0, space - before - width(hints))
        self.update(
            Content.assemble(
                (left, style),
                gaps[0],
                (hints, "$foreground 60%"),
                gaps[1],
                (person, "$foreground 60%"),
            )
        )

    def _connection_text(self) -> tuple[str, str, str]:
        match self._connection:
            case Live():
                return "●", "$text-success", "live"
            case Connecting():
                return "○", "$text-warning", "connecting …"
            case Disconnected(retry_in=wait):
                left = max(0, round(wait - (time.monotonic() - self._lost_at)))
                return "▲", "bold $text-error", f"offline · next try in {left} s · F5 now"
            case _:
                return "", "", ""
