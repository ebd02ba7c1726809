"""The demo assistant."""

import asyncio

from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.provider import ChatMessage, CompletionChunk, Prompt


async def _answer(*turns: ChatMessage) -> list[CompletionChunk]:
    clock = FakeClock()

    async def hurry() -> None:
        while True:
            clock.advance(1)
            await asyncio.sleep(0)

    hurrying = asyncio.create_task(hurry())
    try:
        return [piece async for piece in DemoProvider(clock).stream(Prompt("demo", list(turns)))]
    finally:
        hurrying.cancel()


async def test_it_says_that_it_is_no_model() -> None:
    """And how to get one; it streams word by word and ends properly."""
    pieces = await _answer(ChatMessage("user", "one two"))
    text = "".join(piece.content for piece in pieces)

    assert "no language model is behind me" in text
    assert "Your message had 2 words." in text
    assert len(pieces) > 50
    assert pieces[-1].finish_reason == "stop"
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.estimated is True


async def test_braces_in_a_message_are_only_text() -> None:
    """Users' text is no format string."""
    pieces = await _answer(ChatMessage("user", "{echo} {0!r}"))

    assert "Your message had 2 words." in "".join(piece.content for piece in pieces)


async def test_it_lists_itself() -> None:
    """Its only model is `demo`."""
    demo = DemoProvider(FakeClock())

    assert await demo.list_models() == ["demo"]
    await demo.close()
