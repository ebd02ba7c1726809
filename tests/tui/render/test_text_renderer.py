"""Texts of messages within a bound per turn of the event loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.wait import until

from rustygpt_tui.render import plain
from rustygpt_tui.render.cost import MAX_AT_ONCE, MAX_PER_TURN, cost
from rustygpt_tui.render.highlighting import highlight
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.service import PROGRAM, RenderService
from rustygpt_tui.render.text_renderer import TextRenderer

_LONG = "**words** and more\n\n" * 2_000


@asynccontextmanager
async def _renderer(program: str = PROGRAM) -> AsyncIterator[tuple[TextRenderer, RenderService]]:
    service = RenderService(program)
    try:
        yield TextRenderer(service), service
    finally:
        await service.close()


async def test_a_short_text_is_rendered_at_once() -> None:
    """It needs no process."""
    async with _renderer() as (renderer, service):
        assert renderer.render("**b**", 40) == (render("**b**", 40), None)
        await asyncio.sleep(0)
        assert service.counts.started == 0


async def test_code_is_coloured_later_in_the_same_rows() -> None:
    """First without colours, then with them."""
    async with _renderer() as (renderer, service):
        text = "a\n\n```python\nx = 'a'\n```\n"
        first = renderer.render(text, 40)
        assert first.task is not None
        await until(lambda: service.is_done(first.task))
        second = renderer.render(text, 40)

        assert first.lines == render(text, 40)
        assert second == (render(text, 40, highlight), None)
        assert list(map(plain, first.lines)) == list(map(plain, second.lines))


async def test_a_long_text_is_shown_as_written_until_it_is_rendered() -> None:
    """Nothing of it is parsed on the event loop."""
    async with _renderer() as (renderer, service):
        first = renderer.render(_LONG, 40)
        assert first.lines == plain_lines(_LONG, 40)
        assert first.task is not None
        await until(lambda: service.is_done(first.task))

        assert renderer.render(_LONG, 40) == (render(_LONG, 40), None)


async def test_an_ended_answer_stays_as_it_was_shown_until_it_is_rendered() -> None:
    """No markup appears for a moment."""
    async with _renderer() as (renderer, _):
        shown = render("**b**", 40)
        assert renderer.render(_LONG, 40, shown).lines == shown


async def test_a_turn_of_the_event_loop_renders_a_bounded_part() -> None:
    """Of many short texts the rest is shown as written; the next turn may render again."""
    text = "**words** and more " * 100
    assert cost(text) < MAX_AT_ONCE
    async with _renderer() as (renderer, _):
        rendered = [renderer.render(f"{number} {text}", 40) for number in range(50)]
        at_once = [entry for entry in rendered if entry.task is None]
        assert 0 < len(at_once) <= MAX_PER_TURN / cost(text)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

        assert renderer.render(f"next {text}", 40).task is None


async def test_without_a_process_texts_stay_readable() -> None:
    """Short ones are rendered without colours, long ones shown as they are written."""
    async with _renderer("no_such_name") as (renderer, service):
        short = "**b**\n\n```python\nx = 'a'\n```\n"
        tasks = [renderer.render(short, 40).task, renderer.render(_LONG, 40).task]
        await until(lambda: all(task and service.is_done(task) for task in tasks))

        assert renderer.render(short, 40) == (render(short, 40), None)
        assert renderer.render(_LONG, 40) == (plain_lines(_LONG, 40), None)
