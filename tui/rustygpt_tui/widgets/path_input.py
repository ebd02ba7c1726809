"""A field for the path of a file, in which Tab completes names."""

import asyncio
from collections.abc import Callable

from textual import events
from textual.widgets import Input


class PathInput(Input):
    """Tab completes the last name; where there is nothing to complete it goes to the next field."""

    def __init__(self, complete: Callable[[str], str], *, id: str) -> None:
        """`complete` returns the completed path; it is called in a thread."""
        super().__init__(placeholder="Path of the file", id=id, compact=True)
        self._complete = complete

    async def _on_key(self, event: events.Key) -> None:
        """Complete the path on Tab."""
        if event.key != "tab" or not self.value.strip():
            return
        before = self.value
        after = await asyncio.to_thread(self._complete, before)
        if after != before and self.value == before:
            event.stop()
            event.prevent_default()
            self.value = after
            self.cursor_position = len(after)
