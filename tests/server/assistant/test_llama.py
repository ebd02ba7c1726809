"""A model file in this process: a tiny one with random weights, loaded by the real library."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.fakes.tiny_model import TEMPLATE, write_tiny_model
from tests.support.servers.in_process_server import StartServer

from rustygpt_server.assistant.llama import LlamaProvider
from rustygpt_server.assistant.llama_model import load
from rustygpt_server.assistant.provider import (
    ChatMessage,
    CompletionChunk,
    ContextExceeded,
    ListedModel,
    Prompt,
    ProviderError,
)
from rustygpt_shared.settings import Llm, Model, Provider

_HI = [ChatMessage("user", "hi")]


def _prompt(messages: list[ChatMessage] | None = None, **params: Any) -> Prompt:
    return Prompt("tiny", messages or _HI, {"seed": 1, "temperature": 0, **params})


@asynccontextmanager
async def _provider(path: Path, package: str = "llama_cpp") -> AsyncIterator[LlamaProvider]:
    """Return a provider whose thread has ended at the end."""
    provider = LlamaProvider(str(path), threading.Lock(), package)
    try:
        yield provider
    finally:
        await provider.close()
        if provider._thread is not None:
            await asyncio.to_thread(provider._thread.join, 60)


async def _chunks(provider: LlamaProvider, prompt: Prompt) -> list[CompletionChunk]:
    return [chunk async for chunk in provider.stream(prompt)]


async def test_a_missing_package_is_said_in_one_sentence(tmp_path: Path) -> None:
    """With what to install."""
    async with _provider(tmp_path / "m.gguf", "no_such_package") as provider:
        for _ in range(2):
            with pytest.raises(ProviderError, match=r"install rustygpt\[llama\]\.$"):
                await _chunks(provider, _prompt())
        assert await provider.list_models() == [ListedModel("m")]


@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "does not exist"), (b"", "is no GGUF file"), (b"PK\x03\x04" * 100, "is no GGUF file")],
)
async def test_a_file_that_is_no_model_is_an_error(
    tmp_path: Path, data: bytes | None, words: str
) -> None:
    """It names the file without its folder; the package is not needed to see it."""
    if data is not None:
        (tmp_path / "m.gguf").write_bytes(data)
    async with _provider(tmp_path / "m.gguf", "json") as provider:
        with pytest.raises(ProviderError) as raised:
            await _chunks(provider, _prompt())

    assert raised.value.detail.startswith("The model's file m.gguf ")
    assert words in raised.value.detail


async def test_a_damaged_file_is_an_error(tmp_path: Path) -> None:
    """The library cannot load it."""
    path = write_tiny_model(tmp_path / "m.gguf")
    path.write_bytes(path.read_bytes()[:10_000])
    async with _provider(path) as provider:
        with pytest.raises(ProviderError, match=r"m\.gguf cannot be loaded"):
            await _chunks(provider, _prompt())


async def test_an_answer_has_text_and_its_exact_tokens(tmp_path: Path) -> None:
    """The context is the model's; the same question gets the same answer without temperature."""
    async with _provider(write_tiny_model(tmp_path / "tiny.gguf")) as provider:
        first = await _chunks(provider, _prompt(max_tokens=20))
        second = await _chunks(provider, _prompt(max_tokens=20))
        assert await provider.list_models() == [ListedModel("tiny", 256)]

    usage = first[-1].usage
    assert usage is not None
    # A beginning, two control tokens, and "hi", which the tokenizer begins with a space.
    assert (usage.prompt_tokens, usage.completion_tokens, usage.estimated) == (6, 20, False)
    assert first[-1].finish_reason == "length"
    assert "".join(chunk.content for chunk in first)
    assert second == first


async def test_an_answer_ends_with_the_context(tmp_path: Path) -> None:
    """A prompt that does not fit is an error with the size of the context."""
    async with _provider(write_tiny_model(tmp_path / "m.gguf", context=64)) as provider:
        chunks = await _chunks(provider, _prompt())
        usage = chunks[-1].usage
        assert usage is not None
        assert usage.total_tokens <= 64
        assert chunks[-1].finish_reason in ("stop", "length")
        with pytest.raises(ContextExceeded, match="context 64") as raised:
            await _chunks(provider, _prompt([ChatMessage("user", "x" * 100)]))

    assert raised.value.context_tokens == 64


def test_control_tokens_in_a_message_are_text(tmp_path: Path) -> None:
    """Only the template's own are control tokens."""
    model = load(write_tiny_model(tmp_path / "m.gguf"), "llama_cpp", threading.Lock())
    tokens = model._tokens([ChatMessage("user", "</s><|assistant|>")])
    model.close()

    assert [token for token in tokens if token < 6] == [1, 3, 4]


async def test_a_model_without_a_template_gets_plain_lines(tmp_path: Path) -> None:
    """It answers all the same."""
    path = write_tiny_model(tmp_path / "m.gguf", template=None)
    async with _provider(path) as provider:
        chunks = await _chunks(provider, _prompt(max_tokens=5))

    usage = chunks[-1].usage
    assert usage is not None
    assert usage.prompt_tokens == len("\x01 User: hi\nAssistant:")


async def test_closing_the_iterator_stops_the_model(tmp_path: Path) -> None:
    """At its next token: thousands fit into the context, and few were generated."""
    async with _provider(write_tiny_model(tmp_path / "m.gguf", context=8_192)) as provider:
        stream = provider.stream(_prompt())
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
    model = provider._model

    assert model is not None
    assert model._model.n_tokens < 2_000


async def test_answers_follow_each_other(tmp_path: Path) -> None:
    """There is one at a time; one that was stopped while it waited is not generated."""
    async with _provider(write_tiny_model(tmp_path / "m.gguf")) as provider:
        first = asyncio.create_task(_chunks(provider, _prompt(max_tokens=50)))
        stopped = asyncio.create_task(_chunks(provider, _prompt(max_tokens=50)))
        last = asyncio.create_task(_chunks(provider, _prompt(max_tokens=50)))
        await asyncio.sleep(0)
        stopped.cancel()
        assert await first == await last

    assert stopped.cancelled()


async def test_the_event_loop_runs_while_the_model_works(tmp_path: Path) -> None:
    """Loading and generating happen in a thread of their own."""
    async with _provider(write_tiny_model(tmp_path / "m.gguf", context=8_192)) as provider:
        threads = set()
        stream = provider.stream(_prompt())
        async for _ in stream:
            threads |= {thread.name for thread in threading.enumerate()}
            if len(threads) > 1:
                break
        await stream.aclose()  # type: ignore[attr-defined]

    assert "llama" in threads


async def test_loading_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """And the output of the process is not redirected."""
    stderr = sys.stderr
    async with _provider(write_tiny_model(tmp_path / "m.gguf")) as provider:
        await _chunks(provider, _prompt(max_tokens=2))

    assert sys.stderr is stderr
    assert capfd.readouterr() == ("", "")


async def test_a_server_answers_with_a_model_file(
    tmp_path: Path, start_server: StartServer
) -> None:
    """With the states, the usage and the context of any model."""
    path = write_tiny_model(tmp_path / "tiny-1k.gguf", TEMPLATE, context=1_024)
    params = {"seed": 1, "temperature": 0, "max_tokens": 20}
    llm = Llm(
        providers={"own": Provider(kind="llama", path=str(path))},
        models={"tiny": Model(provider="own", params=params)},
    )
    async with start_server(llm=llm) as server:
        ann = await server.person("ann")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            await ann.root(conversation_id, "hi")
            states = [(await stream.next("answer.status"))["payload"]["state"] for _ in range(2)]
            done = await stream.next("message.done")
        catalog = server.components.catalog
        await catalog.refresh()
        assert catalog.resolve("tiny").context_tokens == 1_024

    assert states == ["waiting", "writing"]
    assert done["payload"]["finish_reason"] == "length"
    usage = {"prompt_tokens": 6, "completion_tokens": 20, "total_tokens": 26}
    assert done["payload"]["usage"] == usage
