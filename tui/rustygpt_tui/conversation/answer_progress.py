"""The progress of answers that are being written: what their headers say, as text.

A place in the queue, the seconds of waiting, the time to the first token, and the speed. The server
does not count tokens while it streams, so the speed is estimated from the text that was received.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from rustygpt_shared.events import AnswerStatusPayload
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.render.words import queue_label
from rustygpt_tui.render.wrap import WIDE
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.transcript.live_answer import LiveAnswer

CHARACTERS_PER_TOKEN: Final = 4
"""Of all characters but the wide ones, each of which is about one token."""
_WIDE: Final = re.compile(f"[{WIDE}]")
_MIN_SECONDS: Final = 1.0
"""A speed over less time than this one is not shown."""


def estimated_tokens(text: str) -> float:
    """Return about how many tokens a text has."""
    wide = 0 if text.isascii() else len(_WIDE.findall(text))
    return wide + (len(text) - wide) / CHARACTERS_PER_TOKEN


@dataclass
class _Progress:
    """What was seen of one answer."""

    state: str
    since: float
    """When this state was seen first."""
    counted: list[int] = field(default_factory=lambda: [0, 0])
    """The code points of text and reasoning that are counted."""
    tokens: float = 0.0
    first_text_at: float | None = None
    """When text was seen first."""
    labels: tuple[str, ...] = ()

    @property
    def is_reasoning(self) -> bool:
        """True while there is a reasoning, and no text yet."""
        return bool(self.counted[1]) and not self.counted[0]

    def count(self, texts: tuple[str, str], now: float) -> None:
        """Count what is new in text and reasoning."""
        for index, text in enumerate(texts):
            self.tokens += estimated_tokens(text[self.counted[index] :])
            self.counted[index] = len(text)
        if self.first_text_at is None and any(self.counted):
            self.first_text_at = now


class AnswerProgress:
    """The answers in progress of the open thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_id: dict[UUID, _Progress] = {}

    def live(self, state: State, id: UUID) -> LiveAnswer | None:
        """Return what is shown of an answer in progress besides its text; None for others."""
        message = _in_progress(state, id)
        if message is None:
            return None
        status = state.statuses.get(message.id)
        progress = self._by_id.get(message.id)
        if progress is None or progress.state != _state(state, message):
            self.update(state, [message.id])
            progress = self._by_id[message.id]
        omitted = status.omitted_messages if status else message.omitted_messages
        return LiveAnswer(state.reasoning_of(message), progress.labels, omitted or 0)

    def update(self, state: State, ids: Iterable[UUID]) -> None:
        """Take note of the text so far, and say what happens now, of answers in progress."""
        now = self._clock()
        for id_ in list(self._by_id):
            if _in_progress(state, id_) is None:
                del self._by_id[id_]
        for id_ in ids:
            message = _in_progress(state, id_)
            if message is None:
                continue
            progress = self._progress(state, message, now)
            texts = (state.text_of(message), state.reasoning_of(message))
            progress.count(texts, now)
            progress.labels = _labels(progress, state.statuses.get(id_), now)

    def on_streamed(self, state: State, ids: Iterable[UUID]) -> None:
        """Take note of the first text of answers; later text is counted by `update`."""
        self.update(state, [id_ for id_ in ids if not self._has_text(id_)])

    def _has_text(self, id: UUID) -> bool:
        progress = self._by_id.get(id)
        return progress is not None and progress.first_text_at is not None

    def _progress(self, state: State, message: MessageView, now: float) -> _Progress:
        name = _state(state, message)
        progress = self._by_id.get(message.id)
        if progress is None:
            # What was written before is not counted, as it is not known how long that took.
            seen = [len(state.text_of(message)), len(state.reasoning_of(message))]
            progress = _Progress(name, now, seen)
            progress.first_text_at = now if any(seen) else None
            self._by_id[message.id] = progress
        elif progress.state != name:
            progress.state, progress.since = name, now
        return progress


def _in_progress(state: State, id: UUID) -> MessageView | None:
    message = state.message(id)
    return message if message is not None and message.streaming else None


def _state(state: State, message: MessageView) -> str:
    """Return the state of an answer; text says more than a status, which may be late."""
    if state.text_of(message):
        return "writing"
    if state.reasoning_of(message):
        return "thinking"
    status = state.statuses.get(message.id)
    if status is None:
        return "waiting"
    return f"queued {status.queue_position}" if status.state == "queued" else status.state


def _labels(progress: _Progress, status: AnswerStatusPayload | None, now: float) -> tuple[str, ...]:
    if progress.state in {"writing", "thinking"}:
        return _writing_labels(progress, status, now)
    if progress.state.startswith("queued"):
        return (queue_label(status.queue_position if status else None), "queued")
    seconds = int(now - progress.since)
    return (f"waiting for the model {seconds:,} s", f"waiting {seconds:,} s", "waiting")


def _writing_labels(
    progress: _Progress, status: AnswerStatusPayload | None, now: float
) -> tuple[str, ...]:
    passed = now - progress.first_text_at if progress.first_text_at is not None else 0.0
    rate = round(progress.tokens / passed) if passed >= _MIN_SECONDS else 0
    first = status.first_token_ms if status else None
    first_token = f"{first / 1000:.1f} s to first token" if first is not None else ""
    speed = f"~{rate:,} tok/s" if rate else ""
    verb = "thinking" if progress.is_reasoning else "writing"
    long = [" · ".join(filter(None, [verb, *parts])) for parts in ((first_token, speed), (speed,))]
    short = [f"{verb} ~{rate:,}/s"] if rate else []
    return (*dict.fromkeys([*long, *short, verb]),)
