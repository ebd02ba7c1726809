"""Which models there are."""

import socket
from collections.abc import Mapping

import pytest
from tests.support.components.assistant_harness import openai_provider
from tests.support.fakes.fake_clock import FakeClock
from tests.support.fakes.fake_model_server import answer, fake_model_server

from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.provider import Provider, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_shared.settings import Llm, Model
from rustygpt_shared.settings import Provider as Settings

_NAMED = Llm(
    providers={"p": Settings(kind="demo")},
    models={"big": Model(provider="p", name="big-7b", context_tokens=99, params={"seed": 1})},
)


def _make(settings: Settings) -> Provider:
    if settings.kind == "demo":
        return DemoProvider(FakeClock())
    return openai_provider(settings.base_url or "")


def _catalog(llm: Llm | None = None, environ: Mapping[str, str] | None = None) -> Catalog:
    return Catalog(llm or Llm(), _make, environ or {}, TimeLimits(), local_servers={})


def test_without_a_model_there_is_the_demo() -> None:
    """It is the default, and it is found."""
    found = _catalog()

    assert found.default_model == "demo"
    assert found.names() == ["demo"]
    assert found.resolve("demo").name == "demo"


def test_a_configured_model_is_asked_by_its_providers_name() -> None:
    """With its own parameters and context."""
    chosen = _catalog(_NAMED).resolve("big")

    assert (chosen.name, chosen.context_tokens, chosen.params) == ("big-7b", 99, {"seed": 1})
    assert _catalog(_NAMED).default_model == "big"
    assert _catalog(_NAMED).names() == ["big", "demo"]


def test_an_unknown_model_is_told() -> None:
    """In a sentence that names it, whatever it is called."""
    with pytest.raises(ProviderError, match="no model named") as error:
        _catalog().resolve("\x1b[31m")
    assert "\x1b" not in error.value.detail


async def test_a_server_in_the_environment_is_found() -> None:
    """Its first model that chats becomes the default."""
    async with fake_model_server(answer("x")) as model:
        model.models = ["text-embedding-3", "llama", "qwen"]
        found = _catalog(environ={"OPENAI_BASE_URL": model.url})
        await found.discover()
        assert found.default_model == "llama"
        assert found.names() == ["llama", "demo", "qwen"]
        await found.close()


@pytest.mark.parametrize("url", ["http://[bad", "ftp://x", "nonsense", "http://u:p@127.0.0.1/v1"])
async def test_a_bad_address_in_the_environment_is_left_out(url: str) -> None:
    """Looking for models never fails."""
    found = _catalog(environ={"OPENAI_BASE_URL": url})
    await found.discover()

    assert found.names() == ["demo"]


async def test_a_silent_server_is_not_waited_for() -> None:
    """A port that takes connections and says nothing costs half a second at most."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        limits = TimeLimits(discovery_timeout=0.05)
        found = Catalog(Llm(), _make, {}, limits, local_servers={"silent": url})
        await found.discover()

    assert found.names() == ["demo"]
    await found.close()


async def test_configured_models_are_enough() -> None:
    """Nothing is looked for when the operator named a model."""
    async with fake_model_server(answer("x")) as model:
        found = _catalog(_NAMED, {"OPENAI_BASE_URL": model.url})
        await found.discover()
        await found.close()

    assert found.names() == ["big", "demo"]
