"""The catalog of models."""

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
from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_shared.settings import Llm, Model
from rustygpt_shared.settings import Provider as Settings

_CONFIGURED = Llm(
    providers={"p": Settings(kind="demo")},
    models={"big": Model(provider="p", name="big-7b", context_tokens=99, params={"seed": 1})},
)


def _make_provider(settings: Settings) -> Provider:
    """Return the provider of the settings."""
    if settings.kind == "demo":
        return DemoProvider(FakeClock())
    return openai_provider(settings.base_url or "")


def _catalog(llm: Llm | None = None, environ: Mapping[str, str] | None = None) -> Catalog:
    """Return a catalog that looks for no server on this machine."""
    return Catalog(llm or Llm(), _make_provider, environ or {}, TimeLimits(), local_servers={})


def test_without_a_configured_model_there_is_the_demo() -> None:
    """The demo is the default model."""
    catalog = _catalog()

    assert catalog.default_model == "demo"
    assert catalog.names() == ["demo"]
    assert catalog.resolve("demo").name == "demo"


def test_a_configured_model_has_its_provider_name_and_parameters() -> None:
    """The first configured model is the default."""
    model = _catalog(_CONFIGURED).resolve("big")

    assert (model.name, model.context_tokens, model.params) == ("big-7b", 99, {"seed": 1})
    assert _catalog(_CONFIGURED).default_model == "big"
    assert _catalog(_CONFIGURED).names() == ["big", "demo"]


def test_an_unknown_model_is_an_error() -> None:
    """The message names the model without its control characters."""
    with pytest.raises(ProviderError, match="no model named") as error:
        _catalog().resolve("\x1b[31m")
    assert "\x1b" not in error.value.detail


async def test_a_server_in_the_environment_is_found() -> None:
    """Its first chat model becomes the default."""
    async with fake_model_server(answer("x")) as model:
        model.models = ["text-embedding-3", "llama", "qwen"]
        catalog = _catalog(environ={"OPENAI_BASE_URL": model.url})
        await catalog.discover()
        assert catalog.default_model == "llama"
        assert catalog.names() == ["llama", "demo", "qwen"]
        await catalog.close()


@pytest.mark.parametrize("url", ["http://[bad", "ftp://x", "nonsense", "http://u:p@127.0.0.1/v1"])
async def test_an_invalid_url_in_the_environment_is_ignored(url: str) -> None:
    """Discovery never fails."""
    catalog = _catalog(environ={"OPENAI_BASE_URL": url})
    await catalog.discover()

    assert catalog.names() == ["demo"]


async def test_discovery_has_a_timeout() -> None:
    """A port that accepts connections and sends nothing delays the start only up to the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        limits = TimeLimits(discovery_timeout=0.05)
        catalog = Catalog(Llm(), _make_provider, {}, limits, local_servers={"silent": url})
        await catalog.discover()

    assert catalog.names() == ["demo"]
    await catalog.close()


async def test_configured_models_disable_discovery() -> None:
    """No server is asked for its models when the settings name a model."""
    async with fake_model_server(answer("x")) as model:
        catalog = _catalog(_CONFIGURED, {"OPENAI_BASE_URL": model.url})
        await catalog.discover()
        await catalog.close()

    assert catalog.names() == ["big", "demo"]


def test_models_are_listed_with_provider_and_context() -> None:
    """The default is first; a default that does not exist is not listed."""
    assert _catalog(_CONFIGURED).list_models() == [
        ModelInfo("big", "p", 99, is_default=True),
        ModelInfo("demo", "demo", 8_192, is_default=False),
    ]
    assert [m.id for m in _catalog(Llm(default_model="gone")).list_models()] == ["demo"]
