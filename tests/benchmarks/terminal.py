"""The terminal's speed: opening a long thread, scrolling it, and typing while an answer streams.

Prints a table. Times are in milliseconds and depend on the machine; compare ratios.
"""

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from tests.benchmarks.harness import percentile, progress
from tests.tui.sample_threads import ME, NAMES, answer, message, message_id
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import TextArea

from rustygpt_tui.widgets.transcript.entries import EntryContext
from rustygpt_tui.widgets.transcript.widget import Transcript

SECONDS = 6.0
TOKENS_PER_SECOND = 200
FLUSHES_PER_SECOND = 20
_TEXT = (
    "Streaming **markdown** with `code`, *emphasis* and a [link](https://x.y) in some prose.\n\n"
    "- item with **bold** text\n- another one\n\n"
    "```python\ndef f(x: int) -> int:\n    return x * 2 + sum(range(x))\n```\n\n"
    "| a | b |\n|---|---|\n| 1 | 2 |\n\n"
)


class ThreadApp(App[None]):
    """A long thread whose last message streams, and a composer."""

    CSS = "Transcript { height: 1fr; } TextArea { height: 3; }"

    def __init__(self, history: int) -> None:
        super().__init__()
        self.text = ""
        self.live = message_id(history)
        thread = [message(n, _TEXT * (1 + n % 3)) for n in range(history)]
        self.thread = [*thread, answer(history, streaming=True)]

    def compose(self) -> ComposeResult:
        yield Transcript(lambda _: self.text)
        yield TextArea()

    def on_mount(self) -> None:
        self.query_one(Transcript).set_messages(self.thread, EntryContext(ME, NAMES))
        self.query_one(TextArea).focus()


@dataclass
class Times:
    """Measurements in milliseconds."""

    open: float = 0
    keys: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)


async def measure(history: int, rate: int) -> str:
    """Return a line of the table, for a number of messages and of tokens per second."""
    progress(f"a thread of {history:,} messages at {rate} tokens/s")
    app = ThreadApp(history)
    times = Times()
    began = time.perf_counter()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        times.open = (time.perf_counter() - began) * 1e3
        probes = [asyncio.create_task(probe(app, times)) for probe in (_type, _measure_lag)]
        processor = time.process_time()
        await _stream(app, rate)
        processor = (time.process_time() - processor) / SECONDS
        for task in probes:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await _turn_pages(app, pilot.pause, times)
        widgets = sum(1 for _ in app.screen.walk_children())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return (
        f"{history:>8,} {rate:>6} {times.open:>8.0f} {percentile(times.keys, 0.5):>8.0f} "
        f"{percentile(times.keys, 0.95):>8.0f} {percentile(times.lags, 0.95):>8.0f} "
        f"{max(times.lags):>8.0f} {percentile(times.pages, 0.5):>8.0f} "
        f"{100 * processor:>5.0f}% {memory:>6} {widgets:>7}"
    )


async def _stream(app: ThreadApp, rate: int) -> None:
    began = time.perf_counter()
    length = 0
    source = _TEXT * 400
    transcript = app.query_one(Transcript)
    while (now := time.perf_counter() - began) < SECONDS:
        due = int(now * rate) * 4
        if due > length:
            app.text = source[:due]
            length = due
            transcript.update_streaming([app.live])
        await asyncio.sleep(1 / FLUSHES_PER_SECOND)


async def _type(app: ThreadApp, times: Times) -> None:
    area = app.query_one(TextArea)
    while True:
        await asyncio.sleep(0.12)
        before = len(area.text)
        began = time.perf_counter()
        app.post_message(events.Key("a", "a"))
        while len(area.text) == before:
            await asyncio.sleep(0.0005)
        painted = asyncio.Event()
        app.screen.call_after_refresh(painted.set)
        await painted.wait()
        times.keys.append((time.perf_counter() - began) * 1e3)


async def _measure_lag(app: ThreadApp, times: Times) -> None:
    while app.is_running:
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        times.lags.append((time.perf_counter() - began - 0.005) * 1e3)


async def _turn_pages(app: ThreadApp, pause: Callable[[], Awaitable[None]], times: Times) -> None:
    for _ in range(20):
        began = time.perf_counter()
        app.query_one(Transcript).action_page(-1)
        await pause()
        times.pages.append((time.perf_counter() - began) * 1e3)


async def main() -> None:
    """Measure threads of several lengths and print the table."""
    print(
        "messages  tok/s     open  key p50  key p95  lag p95  lag max  page p50   cpu    MB widgets"
    )
    for history, rate in ((100, TOKENS_PER_SECOND), (10_000, TOKENS_PER_SECOND), (10_000, 1_000)):
        print(await measure(history, rate))


if __name__ == "__main__":
    asyncio.run(main())
