"""An app base class that handles keys and pastes one after the other, however fast they arrive.

Textual sends a key to the widget that has the focus when the key arrives, even while an earlier
key that moves the focus is still being handled. A burst of keys (a fast typist, a script, a paste
that the terminal does not report as one) would reach the wrong field. Here the next key waits
until the one before it is handled completely, including new screens. What keys do is defined
elsewhere.
"""

import asyncio
from collections import deque
from typing import TypeVar

from textual import events
from textual.app import App
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen
from textual.widget import Widget

KEY_TIMEOUT_SECONDS = 1.0
"""How long the next key waits at most."""
_FOCUS_RETRIES = 10
_FOCUS_RETRY_SECONDS = 0.02
T = TypeVar("T")


class KeyHandled(Message):
    """Follows a key from its widget up to the app; when it arrives, the key was handled.

    A second round trip follows the messages that the key made its widget post, such as that a
    field was submitted.
    """

    def __init__(
        self, key_number: int, active_screen: Screen[object], target: Widget, round_trips: int = 2
    ) -> None:
        """`key_number` counts the keys; `target` is the widget of the screen that got the key."""
        super().__init__()
        self.key_number = key_number
        self.active_screen = active_screen
        self.target = target
        self.round_trips = round_trips


class SequentialInputApp(App[T]):
    """An app that queues keys and pastes."""

    had_input = var(default=False)
    """True once the user pressed a key or used the mouse."""

    def __init__(self) -> None:
        super().__init__()
        self._key_queue: deque[events.Key | events.Paste] = deque()
        self._dispatching = False
        self._key_number = 0
        self._timeout_timer: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Queue keys and pastes, and handle all other events at once."""
        if isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseScrollDown):
            self.had_input = True
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._key_queue.extend(self._separate(event))
            if not self._dispatching:
                await self._dispatch_next()
        else:
            await super().on_event(event)

    def _separate(self, event: events.Key | events.Paste) -> list[events.Key | events.Paste]:
        """Return Escape and a character instead of alt and the character, unless that is bound.

        Terminals send the same bytes for both, so Escape and a quick key after it arrive as alt.
        """
        is_alt = isinstance(event, events.Key) and event.key.startswith("alt+")
        if not isinstance(event, events.Key) or not is_alt or not event.is_printable:
            return [event]
        if self.screen_stack and event.key in self.screen.active_bindings:
            return [event]
        name = event.key.removeprefix("alt+")
        return [events.Key("escape", "\x1b"), events.Key(name, event.character)]

    async def on_key_handled(self, message: KeyHandled) -> None:
        """Dispatch the next key, once the screen is ready for it."""
        if message.key_number != self._key_number:
            return  # this key timed out, and the next one was dispatched already
        if not self.screen_stack:
            return  # the app is exiting
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
        event = self._key_queue.popleft()
        active_screen = self.screen
        target = self.focused or active_screen
        await super().on_event(event)
        self._send_marker(KeyHandled(self._key_number, active_screen, target))

    def _send_marker(self, marker: KeyHandled) -> None:
        if marker.target.post_message(marker):
            loop = asyncio.get_running_loop()
            self._timeout_timer = loop.call_later(KEY_TIMEOUT_SECONDS, self._on_timeout)
        else:
            self.call_later(self._dispatch_next)

    def _when_ready(self, focus_retries: int = _FOCUS_RETRIES) -> None:
        """Wait until a new screen has focused its first field, then dispatch the next key."""
        if self.screen.focused is None and focus_retries:
            self.set_timer(_FOCUS_RETRY_SECONDS, lambda: self._when_ready(focus_retries - 1))
        else:
            self.call_later(self._dispatch_next)

    def _on_timeout(self) -> None:
        """Dispatch the next key: the widget was removed by this one, or is very slow."""
        self._timeout_timer = None
        self.call_later(self._dispatch_next)

    def _cancel_timeout(self) -> None:
        if self._timeout_timer:
            self._timeout_timer.cancel()
            self._timeout_timer = None
