"""Following one answer of this process from its beginning to its end, at the reader's own pace."""

import asyncio
from typing import Any

from rustygpt_server.assistant.answer import AnswerInProgress
from rustygpt_server.assistant.provider import CompletionChunk


class AnswerFollower:
    """Follows an answer; keeps no text of its own, so a slow reader takes no memory."""

    def __init__(self, answer: AnswerInProgress, completion: asyncio.Task[Any]) -> None:
        """`completion` is done when the answer's end has been stored."""
        self._answer = answer
        self._completion = completion
        self._changed = asyncio.Event()
        self._changed.set()
        self._content = 0
        self._reasoning = 0
        answer.followers.add(self._changed)
        completion.add_done_callback(self._on_done)

    @property
    def has_ended(self) -> bool:
        """True when the answer's end has been stored."""
        return self._completion.done()

    async def wait(self, seconds: float) -> bool:
        """Wait for new text or the end; return False when there is none within this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    def new_text(self) -> CompletionChunk:
        """Return the text since the last call."""
        answer = self._answer
        chunk = CompletionChunk(
            content=answer.content[self._content :], reasoning=answer.reasoning[self._reasoning :]
        )
        self._content, self._reasoning = len(answer.content), len(answer.reasoning)
        return chunk

    def close(self) -> None:
        """Follow no longer; the answer continues."""
        self._answer.followers.discard(self._changed)
        self._completion.remove_done_callback(self._on_done)

    def _on_done(self, _task: asyncio.Task[Any]) -> None:
        self._changed.set()
