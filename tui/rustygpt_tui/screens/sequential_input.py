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

KEY_TIMEOUT_SECONDS = 1.0
"""How long a key may take before the next one goes ahead."""
_FOCUS_RETRIES = 10
_FOCUS_RETRY_SECONDS = 0.02
T = TypeVar("T")


class KeyHandled(Message):
    """Follows a key on its way up from widget to app: once it is there, the key was taken.

    A second round follows what the key made its widget tell, such as that a field is submitted.
    """

    def __init__(
        self, key_number: int, active_screen: Screen[object], target: Widget, round_trips: int = 2
    ) -> None:
        """`turn` counts the keys; `shown` is the screen, and `target` what in it, it was for."""
        super().__init__()
        self.key_number = key_number
        self.active_screen = active_screen
        self.target = target
        self.round_trips = round_trips


class SequentialInputApp(App[T]):
    """An app whose keys and pastes are taken in turns."""

    def __init__(self) -> None:
        super().__init__()
        self._key_queue: deque[events.Key | events.Paste] = deque()
        self._dispatching = False
        self._key_number = 0
        self._timeout_timer: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Put what was typed into the line; all else goes its way."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._key_queue.append(event)
            if not self._dispatching:
                await self._dispatch_next()
        else:
            await super().on_event(event)

    async def on_key_handled(self, message: KeyHandled) -> None:
        """A key has done what it does; the next one follows when its screen is ready for it."""
        if message.key_number != self._key_number:
            return  # it was so slow that the next one went ahead
        if not self.screen_stack:
            return  # the app is on its way out
        self._cancel_timeout()
        if self.screen is not message.active_screen:
            self.screen.call_after_refresh(self._when_ready)
        elif message.round_trips > 1:
            self._send_marker(
                KeyHandled(
                    self._key_number, message.active_screen, message.target, message.round_trips - 1
                )
            )
        else:
            await self._dispatch_next()

    async def _dispatch_next(self) -> None:
        self._dispatching = bool(self._key_queue)
        if not self._key_queue:
            return
        self._key_number += 1
        event, shown = self._key_queue.popleft(), self.screen
        target = self.focused or shown
        await super().on_event(event)
        self._send_marker(KeyHandled(self._key_number, shown, target))

    def _send_marker(self, marker: KeyHandled) -> None:
        if marker.target.post_message(marker):
            loop = asyncio.get_running_loop()
            self._timeout_timer = loop.call_later(KEY_TIMEOUT_SECONDS, self._on_timeout)
        else:
            self.call_later(self._dispatch_next)

    def _when_ready(self, focus_retries: int = _FOCUS_RETRIES) -> None:
        """A new screen focuses its first field a moment after it is there."""
        if self.screen.focused is None and focus_retries:
            self.set_timer(_FOCUS_RETRY_SECONDS, lambda: self._when_ready(focus_retries - 1))
        else:
            self.call_later(self._dispatch_next)

    def _on_timeout(self) -> None:
        """The widget that had the key went away with it, or is very slow."""
        self._timeout_timer = None
        self.call_later(self._dispatch_next)

    def _cancel_timeout(self) -> None:
        if self._timeout_timer:
            self._timeout_timer.cancel()
            self._timeout_timer = None
