"""The catalog of models."""

import asyncio
import socket
from collections.abc import Mapping

import pytest
from tests.support.components.assistant_harness import openai_provider
from tests.support.fakes.fake_clock import FakeClock
from tests.support.fakes.fake_model_server import answer, fake_model_server
from tests.support.wait import until

from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.demo import DemoProvider
from rustygpt_server.assistant.provider import Provider, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_shared.settings import Llm, Model
from rustygpt_shared.settings import Provider as Settings

_DEMO = Settings(kind="demo")
_CONFIGURED = Llm(
    providers={"p": _DEMO},
    models={"big": Model(provider="p", name="big-7b", context_tokens=99, params={"seed": 1})},
)


def _make_provider(settings: Settings) -> Provider:
    """Return the provider of the settings."""
    if settings.kind == "demo":
        return DemoProvider(FakeClock())
    return openai_provider(settings.base_url or "")


def _catalog(
    llm: Llm | None = None, environ: Mapping[str, str] | None = None, **local_servers: str
) -> Catalog:
    """Return a catalog that looks for no server on this machine but those named."""
    return Catalog(llm or Llm(), _make_provider, environ or {}, TimeLimits(), local_servers)


def _providers(**urls: str) -> Llm:
    """Return settings with these model servers, and no models."""
    return Llm(
        providers={name: Settings(kind="openai", base_url=url) for name, url in urls.items()}
    )


def _shown(catalog: Catalog) -> list[str]:
    """Return the models to choose from, without the demo."""
    return [model.id for model in catalog.list_models() if model.provider != "demo"]


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
        await catalog.refresh()
        assert catalog.default_model == "llama"
        assert [one.id for one in catalog.list_models()] == ["llama", "qwen", "demo"]
        await catalog.close()


@pytest.mark.parametrize(
    "url",
    [
        *["http://[bad", "ftp://x", "nonsense", "http://u:p@127.0.0.1/v1"],
        "http://256.1.1.1",
        "http://169.254.169.254/v1",
    ],
)
async def test_an_invalid_url_in_the_environment_is_ignored(url: str) -> None:
    """Looking for servers never fails."""
    catalog = _catalog(environ={"OPENAI_BASE_URL": url})
    await catalog.refresh()

    assert catalog.names() == ["demo"]


async def test_looking_for_local_servers_has_a_timeout() -> None:
    """A port that accepts connections and sends nothing delays only up to the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        limits = TimeLimits(discovery_timeout=0.05)
        catalog = Catalog(Llm(), _make_provider, {}, limits, local_servers={"silent": url})
        await catalog.refresh()

    assert catalog.names() == ["demo"]
    await catalog.close()


@pytest.mark.parametrize("llm", [_CONFIGURED, Llm(default_model="demo"), _providers(p="http://x")])
def test_a_configuration_replaces_the_search_for_servers(llm: Llm) -> None:
    """Neither the environment nor this machine is looked at."""
    catalog = _catalog(llm, {"OPENAI_BASE_URL": "http://y"}, ollama="http://z")

    assert catalog._found == {}


async def test_the_models_of_a_provider_without_configured_ones_are_listed() -> None:
    """The first is the default; a provider that a configured model names lists no others."""
    async with fake_model_server() as first, fake_model_server() as second:
        first.models = ["a", "b"]
        second.models = ["c"]
        listed = _catalog(_providers(one=first.url, two=second.url))
        named = _catalog(
            Llm(providers=_providers(one=first.url).providers, models={"b": Model(provider="one")})
        )
        for catalog in (listed, named):
            await catalog.refresh()
            await catalog.close()

    assert _shown(listed) == ["a", "b", "c"]
    assert listed.list_models()[0] == ModelInfo("a", "one", 8_192, is_default=True)
    assert _shown(named) == ["b"]


async def test_a_name_that_two_providers_list_is_shown_with_the_provider() -> None:
    """Without the provider it is the model of the first one; configured names come first."""
    async with fake_model_server() as first, fake_model_server() as second:
        first.models = ["llama", "own"]
        second.models = ["llama", "mine"]
        llm = Llm(
            providers={**_providers(a=first.url, b=second.url).providers, "c": _DEMO},
            models={"mine": Model(provider="c", name="other")},
        )
        catalog = _catalog(llm)
        await catalog.refresh()
        assert _shown(catalog) == ["mine", "a/llama", "own", "b/llama", "b/mine"]
        assert catalog.resolve("b/llama").name == "llama"
        assert catalog.resolve("llama").provider is catalog.resolve("a/llama").provider
        assert catalog.resolve("llama").provider is not catalog.resolve("b/llama").provider
        assert catalog.resolve("mine").name == "other"
        await catalog.close()


async def test_a_path_is_shown_as_the_name_of_its_file() -> None:
    """Requests use the provider's own name; `organisation/model` is no path."""
    async with fake_model_server() as model:
        model.models = [
            "/m/Qwen-7B.Q4.gguf",
            "C:\\m\\phi.GGUF",
            "meta/llama",
            "/other/Qwen-7B.Q4.gguf",
        ]
        catalog = _catalog(_providers(p=model.url))
        await catalog.refresh()
        assert _shown(catalog) == ["Qwen-7B.Q4", "phi", "meta/llama", "/other/Qwen-7B.Q4.gguf"]
        assert catalog.resolve("Qwen-7B.Q4").name == "/m/Qwen-7B.Q4.gguf"
        assert catalog.resolve("/m/Qwen-7B.Q4.gguf").name == "/m/Qwen-7B.Q4.gguf"
        await catalog.close()


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"meta": {"n_ctx": 4_096, "n_ctx_train": 32_768}}, 4_096),
        ({"meta": {"n_ctx_train": 32_768}}, 32_768),
        ({"max_model_len": 16_384}, 16_384),
        ({"loaded_context_length": 2_048, "max_context_length": 9_000}, 2_048),
        ({"max_context_length": 9_000}, 9_000),
        ({"meta": None, "max_model_len": "many"}, 8_192),
        ({"max_model_len": True}, 8_192),
        ({"max_model_len": -1}, 8_192),
        ({}, 8_192),
    ],
)
async def test_the_context_is_what_the_server_says(fields: dict[str, object], tokens: int) -> None:
    """Of llama.cpp, vLLM and LM Studio; otherwise it is assumed. A configured one comes first."""
    async with fake_model_server() as model:
        model.models = [{"id": "m", **fields}]
        providers = _providers(p=model.url).providers
        listed = _catalog(Llm(providers=providers))
        named = _catalog(
            Llm(
                providers=providers,
                models={
                    "known": Model(provider="p", name="m"),
                    "set": Model(provider="p", name="m", context_tokens=99),
                },
            )
        )
        for catalog in (listed, named):
            await catalog.refresh()
            await catalog.close()

    assert listed.resolve("m").context_tokens == tokens
    assert named.resolve("known").context_tokens == tokens
    assert named.resolve("set").context_tokens == 99


async def test_a_server_that_starts_late_is_found_and_one_that_stops_keeps_its_models() -> None:
    """Until it is found, a question gets an error that says so, not the demo."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    catalog = _catalog(_providers(local=f"http://127.0.0.1:{port}/v1"))
    await catalog.refresh()
    assert _shown(catalog) == []
    with pytest.raises(ProviderError, match=r"server \(local\) cannot be reached"):
        catalog.resolve(catalog.default_model)
    async with fake_model_server(port=port) as model:
        model.models = ["late"]
        await catalog.refresh()
        assert (catalog.default_model, _shown(catalog)) == ("late", ["late"])
    await catalog.refresh()
    assert (catalog.default_model, _shown(catalog)) == ("late", ["late"])
    await catalog.close()


async def test_the_default_stays_while_it_exists() -> None:
    """A server that is found later does not change the model of conversations that name none."""
    async with fake_model_server() as first, fake_model_server() as second:
        first.models = []
        second.models = ["b"]
        catalog = _catalog(None, {"OPENAI_BASE_URL": first.url}, ollama=second.url)
        await catalog.refresh()
        assert catalog.default_model == "b"
        first.models = ["a"]
        await catalog.refresh()
        assert catalog.default_model == "b"
        assert _shown(catalog) == ["b", "a"]
        second.models = []
        await catalog.refresh()
        assert catalog.default_model == "a"
        await catalog.close()


async def test_a_list_without_end_is_rejected() -> None:
    """A model server cannot fill the memory, or offer more than 1,000 models."""
    async with fake_model_server() as model:
        catalog = _catalog(_providers(p=model.url))
        model.models = ["x" * 200] * 30_000
        await catalog.refresh()
        assert _shown(catalog) == []
        model.models = [f"m{number}" for number in range(1_500)]
        await catalog.refresh()
        assert len(_shown(catalog)) == 1_000
        await catalog.close()


async def test_a_slow_provider_delays_no_other_one() -> None:
    """Its models are known as soon as it lists them; the default is that of the first provider."""
    resume = asyncio.Event()
    async with fake_model_server(listing_after=resume) as slow, fake_model_server() as fast:
        slow.models = ["a"]
        fast.models = ["b"]
        catalog = _catalog(_providers(one=slow.url, two=fast.url))
        refreshing = asyncio.create_task(catalog.refresh())
        await until(lambda: _shown(catalog) == ["b"])
        assert catalog.default_model == "b"
        resume.set()
        await refreshing
        assert catalog.default_model == "a"
        await catalog.close()
