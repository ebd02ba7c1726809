"""Keys are taken one after the other, however fast they come.

Textual hands a key to whatever has the focus when the key arrives, even while the key before it is
still on its way to move the focus. So a burst (a fast typist, a script, a paste that the terminal
does not mark as one) would land in the wrong field. Here the next key waits until the one before
it has done all it does, new screens included. What a key does is not decided here.
"""

import asyncio
from collections import deque
from typing import TypeVar

from textual import events
from textual.app import App
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

PATIENCE_SECONDS = 1.0
"""How long a key may take before the next one goes ahead."""
_LOOKS = 10
_LOOK_SECONDS = 0.02
T = TypeVar("T")


class Taken(Message):
    """Follows a key on its way up from widget to app: once it is there, the key was taken.

    A second round follows what the key made its widget tell, such as that a field is submitted.
    """

    def __init__(self, turn: int, shown: Screen[object], target: Widget, rounds: int = 2) -> None:
        """`turn` counts the keys; `shown` is the screen, and `target` what in it, it was for."""
        super().__init__()
        self.turn = turn
        self.shown = shown
        self.target = target
        self.rounds = rounds


class InTurns(App[T]):
    """An app whose keys and pastes are taken in turns."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._taking = False
        self._turn = 0
        self._patience: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Put what was typed into the line; all else goes its way."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._waiting.append(event)
            if not self._taking:
                await self._take_next()
        else:
            await super().on_event(event)

    async def on_taken(self, message: Taken) -> None:
        """A key has done what it does; the next one follows when its screen is ready for it."""
        if message.turn != self._turn:
            return  # it was so slow that the next one went ahead
        if not self.screen_stack:
            return  # the app is on its way out
        self._stop_waiting()
        if self.screen is not message.shown:
            self.screen.call_after_refresh(self._when_ready)
        elif message.rounds > 1:
            self._follow(Taken(self._turn, message.shown, message.target, message.rounds - 1))
        else:
            await self._take_next()

    async def _take_next(self) -> None:
        self._taking = bool(self._waiting)
        if not self._waiting:
            return
        self._turn += 1
        event, shown = self._waiting.popleft(), self.screen
        target = self.focused or shown
        await super().on_event(event)
        self._follow(Taken(self._turn, shown, target))

    def _follow(self, taken: Taken) -> None:
        if taken.target.post_message(taken):
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(PATIENCE_SECONDS, self._lose_patience)
        else:
            self.call_later(self._take_next)

    def _when_ready(self, looks: int = _LOOKS) -> None:
        """A new screen focuses its first field a moment after it is there."""
        if self.screen.focused is None and looks:
            self.set_timer(_LOOK_SECONDS, lambda: self._when_ready(looks - 1))
        else:
            self.call_later(self._take_next)

    def _lose_patience(self) -> None:
        """The widget that had the key went away with it, or is very slow."""
        self._patience = None
        self.call_later(self._take_next)

    def _stop_waiting(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None
