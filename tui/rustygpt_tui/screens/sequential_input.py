"""An app base class that handles keys and pastes one after the other, however fast they arrive.

Textual sends a key to the widget that has the focus when the key arrives, even while an earlier
key that moves the focus is still being handled. A burst of keys (a fast typist, a script, a paste
that the terminal does not report as one) would reach the wrong field. Here the next key waits
until the one before it is handled completely, and until the active screen has been drawn and has
focused a field. What keys do is defined elsewhere.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from textual import events
from textual.app import App
from textual.message import Message
from textual.reactive import var
from textual.screen import Screen
from textual.widget import Widget

TIMEOUT_SECONDS = 1.0
"""How long the next key waits at most for a widget, and for a screen."""
HOLD_SECONDS = 3.0
"""How long the next key waits at most for a request."""
_FOCUS_RETRIES = 10
_FOCUS_RETRY_SECONDS = 0.02
_CHARACTERS = {"enter": "\r", "space": " "}
T = TypeVar("T")


class KeyHandled(Message):
    """Follows a key from its widget up to the app; when it arrives, the key was handled.

    A second round trip follows the messages that the key made its widget post, such as that a
    field was submitted.
    """

    def __init__(self, screen: Screen[object], target: Widget, round_trips: int = 2) -> None:
        """`target` is the widget of the screen that got the key."""
        super().__init__()
        self.screen = screen
        self.target = target
        self.round_trips = round_trips


class SequentialInputApp(App[T]):
    """An app that queues keys and pastes."""

    had_input = var(default=False)
    """True once the user pressed a key or used the mouse."""

    def __init__(self) -> None:
        super().__init__()
        self._key_queue: deque[events.Key | events.Paste] = deque()
        self._marker: KeyHandled | None = None
        """Follows the key that is being handled; None while none is."""
        self._is_changing_screen = False
        """True from a change of the active screen until that screen can take a key."""
        self._timeout_timer: asyncio.TimerHandle | None = None
        self._is_holding = False

    async def on_mount(self) -> None:
        """Notice when a screen is pushed or popped."""
        self.screen_change_signal.subscribe(self, self._on_screen_changed, immediate=True)

    async def on_event(self, event: events.Event) -> None:
        """Queue keys and pastes, and handle all other events at once."""
        if isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseScrollDown):
            self.had_input = True
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self._key_queue.extend(self._separate(event))
            await self._dispatch_next()
        else:
            await super().on_event(event)

    @contextmanager
    def holding_keys(self) -> Iterator[None]:
        """Let the next key wait until the end of the block, but at most HOLD_SECONDS.

        For a request after which another widget takes the keys.
        """
        self._is_holding = True
        timer = asyncio.get_running_loop().call_later(HOLD_SECONDS, self._release_keys)
        try:
            yield
        finally:
            timer.cancel()
            self._release_keys()

    def _release_keys(self) -> None:
        self._is_holding = False
        self.call_later(self._dispatch_next)

    def _separate(self, event: events.Key | events.Paste) -> list[events.Key | events.Paste]:
        """Return Escape and a key instead of alt and the key, unless that is bound.

        Terminals send the same bytes for both, so Escape and a quick key after it arrive as alt.
        """
        if not isinstance(event, events.Key) or not event.key.startswith("alt+"):
            return [event]
        name = event.key.removeprefix("alt+")
        character = event.character if event.is_printable else _CHARACTERS.get(name)
        if name.startswith("shift+") and character is not None:
            name = character  # a capital has no other name
        is_bound = self.screen_stack and event.key in self.screen.active_bindings
        if character is None or is_bound:
            return [event]
        return [events.Key("escape", "\x1b"), events.Key(name, character)]

    async def _dispatch_next(self) -> None:
        """Dispatch the next key, unless one is being handled or the screen is changing."""
        is_busy = self._marker is not None or self._is_changing_screen or self._is_holding
        if is_busy or not self._key_queue or not self.screen_stack:
            return
        event = self._key_queue.popleft()
        screen = self.screen
        marker = self._marker = KeyHandled(screen, self.focused or screen)
        await super().on_event(event)
        self._send(marker)

    def _send(self, marker: KeyHandled) -> None:
        self._marker = marker
        if marker.target.post_message(marker):
            self._start_timeout()
        else:
            self._marker = None
            self.call_later(self._dispatch_next)

    async def on_key_handled(self, message: KeyHandled) -> None:
        """Send the marker again, or dispatch the next key."""
        if message is not self._marker:
            return  # this key timed out, or its screen was popped
        if message.round_trips > 1 and self.screen_stack and self.screen is message.screen:
            self._send(KeyHandled(message.screen, message.target, message.round_trips - 1))
        else:
            self._marker = None
            await self._dispatch_next()

    def _on_screen_changed(self, _screen: Screen[object]) -> None:
        self._is_changing_screen = True
        self._start_timeout()
        self.call_later(self._await_screen)

    def _await_screen(self) -> None:
        """Wait until the active screen is drawn; each later change of it waits for the next one."""
        if self.screen_stack:
            screen = self.screen
            screen.call_after_refresh(self._on_drawn, screen)

    def _on_drawn(self, screen: Screen[object], focus_retries: int = _FOCUS_RETRIES) -> None:
        """Wait until the screen has focused its first field, which some have none of."""
        if not self.screen_stack or self.screen is not screen:
            return
        if screen.focused is None and focus_retries:
            self.set_timer(_FOCUS_RETRY_SECONDS, lambda: self._on_drawn(screen, focus_retries - 1))
        else:
            self.call_later(self._on_screen_ready, screen)

    async def _on_screen_ready(self, screen: Screen[object]) -> None:
        """Dispatch the next key.

        A key whose screen was popped meanwhile is handled: what followed it up to the app was
        removed with the screen.
        """
        if not self.screen_stack or self.screen is not screen:
            return
        self._is_changing_screen = False
        if self._marker and self._marker.screen not in self.screen_stack:
            self._marker = None
        await self._dispatch_next()

    def _start_timeout(self) -> None:
        if self._timeout_timer:
            self._timeout_timer.cancel()
        loop = asyncio.get_running_loop()
        self._timeout_timer = loop.call_later(TIMEOUT_SECONDS, self._on_timeout)

    def _on_timeout(self) -> None:
        """Dispatch the next key: a widget was removed by this one, or something is very slow."""
        self._marker = None
        self._is_changing_screen = False
        self.call_later(self._dispatch_next)
