"""The demo assistant."""

import asyncio

from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.provider import ChatMessage, CompletionChunk, ListedModel, Prompt


async def _answer(*chat_messages: ChatMessage) -> list[CompletionChunk]:
    """Return the chunks of an answer, with a clock that moves quickly."""
    clock = FakeClock()

    async def advance() -> None:
        while True:
            clock.advance(1)
            await asyncio.sleep(0)

    advancing = asyncio.create_task(advance())
    try:
        return [
            chunk async for chunk in DemoProvider(clock).stream(Prompt("demo", list(chat_messages)))
        ]
    finally:
        advancing.cancel()


async def test_the_demo_explains_that_it_is_no_model() -> None:
    """The text is sent in small chunks, and the last one has the reason of the end."""
    chunks = await _answer(ChatMessage("user", "one two"))
    text = "".join(chunk.content for chunk in chunks)

    assert "no language model is behind me" in text
    assert "Your message had 2 words." in text
    assert len(chunks) > 50
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.estimated is True


async def test_braces_in_a_message_are_only_text() -> None:
    """The text of a user is not used as a format string."""
    chunks = await _answer(ChatMessage("user", "{echo} {0!r}"))

    assert "Your message had 2 words." in "".join(chunk.content for chunk in chunks)


async def test_the_demo_lists_one_model() -> None:
    """Its only model is `demo`."""
    demo = DemoProvider(FakeClock())

    assert await demo.list_models() == [ListedModel("demo")]
    await demo.close()
