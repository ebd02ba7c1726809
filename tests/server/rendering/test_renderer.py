"""Messages rendered for routes: kept, joined, and never waited for without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.rendering.pool import PROGRAM, RenderPool
from rustygpt_server.rendering.renderer import RETRY_SECONDS, Renderer
from rustygpt_server.telemetry import Metrics

_READER = uuid4()
_ID = UUID(int=1)
_SLOW = "| " + "a|" * 200 + "\n|" + "-|" * 200 + "\n" + ("|" + "x|" * 200 + "\n") * 150
"""A table that takes many times the processor time of a message."""


@asynccontextmanager
async def _renderer(program: str = PROGRAM) -> AsyncIterator[Renderer]:
    """Yield a renderer that waits for a busy machine as long as a test may take."""
    pool = RenderPool(program, answer_seconds=60)
    renderer = Renderer(pool, FakeClock(), Metrics(), page_seconds=60)
    try:
        yield renderer
    finally:
        await renderer.close()


def _count(renderer: Renderer, result: str) -> float:
    """Return how many messages had a result."""
    for metric in renderer._metrics.renderings.collect():
        for sample in metric.samples:
            if sample.labels.get("result") == result:
                return sample.value
    return 0


async def test_messages_are_rendered_in_their_order() -> None:
    """A page needs one process, whatever its size."""
    async with _renderer() as renderer:
        html = await renderer.render(_READER, [(uuid4(), f"**{number}**") for number in range(200)])

        assert html == [f'<p dir="auto"><strong>{n}</strong></p>\n' for n in range(200)]
        assert renderer.pool.counts.started == 1


async def test_a_slow_message_costs_its_time_once() -> None:
    """It is kept as it was written; others of the same page are rendered."""
    async with _renderer() as renderer:
        page = [(_ID, _SLOW), (uuid4(), "**b**")]
        first = await renderer.render(_READER, page)
        again = await renderer.render(_READER, page)

        assert first == again
        assert first[0].startswith("<pre>| a|a|")
        assert first[1] == '<p dir="auto"><strong>b</strong></p>\n'
        assert renderer.pool.counts.ended == 1
        assert _count(renderer, "too slow") == 1


async def test_slow_code_loses_its_colours_only() -> None:
    """The rest of its message is rendered, and the process goes on."""
    async with _renderer() as renderer:
        code = f"```systemd\n{' ' * 1_200}x\n```\n\n**b**"
        (html,) = await renderer.render(_READER, [(_ID, code)])

        assert "<strong>b</strong>" in html
        assert renderer.pool.counts.ended == 0


async def test_the_event_loop_goes_on_meanwhile() -> None:
    """Other work is done between the start and the end of slow messages, again and again."""
    async with _renderer() as renderer:
        rendering = asyncio.create_task(
            renderer.render(_READER, [(uuid4(), f"{_SLOW}{n}") for n in range(3)])
        )
        turns = 0
        while not rendering.done():
            await asyncio.sleep(0.005)
            turns += 1

        assert renderer.pool.counts.ended == 3
        assert turns > 20


async def test_requests_for_the_same_message_are_joined() -> None:
    """It is rendered once."""
    async with _renderer() as renderer:
        pages = await asyncio.gather(
            *(renderer.render(_READER, [(_ID, "**b**")]) for _ in range(20))
        )

        assert pages == [['<p dir="auto"><strong>b</strong></p>\n']] * 20
        assert _count(renderer, "rendered") == 1


async def test_another_text_of_a_message_is_another_revision() -> None:
    """An edited message, or an answer that has grown, is rendered again."""
    async with _renderer() as renderer:
        await renderer.render(_READER, [(_ID, "one")])

        assert await renderer.render(_READER, [(_ID, "two")]) == ['<p dir="auto">two</p>\n']


async def test_a_response_does_not_wait_for_all_messages_of_a_slow_page() -> None:
    """What is not rendered by then is shown as written, and rendered for the next reader."""
    pool = RenderPool(answer_seconds=60)
    renderer = Renderer(pool, FakeClock(), Metrics(), page_seconds=0)
    try:
        page = [(_ID, "**b**")]
        assert await renderer.render(_READER, page) == ["<pre>**b**</pre>\n"]
        await until(lambda: len(renderer.cache) == 1)
        assert await renderer.render(_READER, page) == ['<p dir="auto"><strong>b</strong></p>\n']
    finally:
        await renderer.close()


async def test_a_page_of_slow_messages_does_not_delay_another_reader() -> None:
    """A message of another page is rendered while most of them wait."""
    async with _renderer() as renderer:
        slow = asyncio.create_task(
            renderer.render(_READER, [(uuid4(), f"{_SLOW}{number}") for number in range(100)])
        )
        await asyncio.sleep(0)
        html = await renderer.render(_READER, [(_ID, "**b**")])

        assert html == ['<p dir="auto"><strong>b</strong></p>\n']
        assert renderer.pool.queued > 50
        slow.cancel()


async def test_without_a_process_messages_are_shown_as_written() -> None:
    """They are tried again after a while, as the reason may be gone then."""
    async with _renderer("no_such_name") as renderer:
        page = [(_ID, "<b> **b**")]
        assert await renderer.render(_READER, page) == ["<pre>&lt;b&gt; **b**</pre>\n"]
        await renderer.render(_READER, page)
        assert renderer.pool.counts.started == 1

        renderer.cache._clock.advance(RETRY_SECONDS)  # type: ignore[attr-defined]
        await renderer.render(_READER, page)
        assert renderer.pool.counts.started == 2


async def test_a_closed_renderer_shows_messages_as_written() -> None:
    """Requests that are in flight at a shutdown get a response."""
    async with _renderer() as renderer:
        rendering = asyncio.create_task(renderer.render(_READER, [(_ID, _SLOW)]))
        await until(lambda: bool(renderer.pool.pids))
        await renderer.close()

        assert (await rendering)[0].startswith("<pre>")
        assert await renderer.render(_READER, [(uuid4(), "**b**")]) == ["<pre>**b**</pre>\n"]


async def test_the_html_of_one_response_is_bounded() -> None:
    """Messages beyond it come as they were written."""
    renderer = Renderer(RenderPool(), FakeClock(), Metrics(), 60, page_characters=100)
    try:
        html = await renderer.render(
            _READER, [(uuid4(), text) for text in ("**a**", "**b** " * 10, "**c**")]
        )
    finally:
        await renderer.close()

    assert html == [
        '<p dir="auto"><strong>a</strong></p>\n',
        f"<pre>{'**b** ' * 10}</pre>\n",
        "<pre>**c**</pre>\n",
    ]
