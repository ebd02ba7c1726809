"""The catalog of models: those of the configuration, and those discovered on this machine."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from rustygpt_server.assistant.provider import Provider, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_server.config import is_web_url
from rustygpt_server.errors import ValidationFailed
from rustygpt_server.telemetry import log
from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_shared.problems import FieldError
from rustygpt_shared.settings import Llm
from rustygpt_shared.settings import Provider as ProviderSettings

_log = log(__name__)

LOCAL_SERVERS = {
    "ollama": "http://127.0.0.1:11434/v1",
    "llama.cpp": "http://127.0.0.1:8081/v1",
    "lm-studio": "http://127.0.0.1:1234/v1",
}
DEMO = "demo"
_OTHER_USES = ("embed", "whisper", "tts", "dall-e", "moderation", "image", "audio", "rerank")

ProviderFactory = Callable[[ProviderSettings], Provider]


class ResolvedModel(NamedTuple):
    """A model, and how to call it."""

    provider: Provider
    name: str
    context_tokens: int
    params: dict[str, Any]


class Catalog:
    """The models that users may choose."""

    def __init__(
        self,
        settings: Llm,
        create_provider: ProviderFactory,
        environ: Mapping[str, str],
        limits: TimeLimits,
        local_servers: Mapping[str, str] = LOCAL_SERVERS,
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._local_servers = local_servers
        self._create_provider = create_provider
        self._environ = environ
        demo = ProviderSettings(kind="demo")
        self._providers = {
            n: create_provider(p) for n, p in {DEMO: demo, **settings.providers}.items()
        }
        self._discovered: dict[str, str] = {DEMO: DEMO}
        self._default = settings.default_model or next(iter(settings.models), DEMO)

    @property
    def default_model(self) -> str:
        """The model of conversations that name none."""
        return self._default

    def names(self) -> list[str]:
        """Return the names of all models, the default first."""
        names = [self._default, *self._settings.models, *self._discovered]
        return list(dict.fromkeys(names))

    def list_models(self) -> list[ModelInfo]:
        """Return all models, the default first; without what the configuration names wrongly."""
        return [self._info(name) for name in self.names() if self._has(name)]

    def _info(self, name: str) -> ModelInfo:
        configured = self._settings.models.get(name)
        provider = configured.provider if configured else self._discovered[name]
        context_tokens = self.resolve(name).context_tokens
        return ModelInfo(name, provider, context_tokens, name == self._default)

    def check(self, model: object) -> None:
        """Raise ValidationFailed when a request names a model that does not exist here."""
        if isinstance(model, str) and not self._has(model):
            message = "there is no model of this name here"
            raise ValidationFailed.of_fields([FieldError("model", message)])

    def label(self, model: str) -> str:
        """Return the label of a model in metrics: its name, or `unknown` for any other text."""
        return model if self._has(model) else "unknown"

    def _has(self, model: str) -> bool:
        return model in self._settings.models or model in self._discovered

    def resolve(self, model: str) -> ResolvedModel:
        """Return how to call a model; raise ProviderError when there is none of this name."""
        configured = self._settings.models.get(model)
        if configured is not None:
            return ResolvedModel(
                self._providers[configured.provider],
                configured.name or model,
                configured.context_tokens,
                configured.params,
            )
        if model in self._discovered:
            return ResolvedModel(self._providers[self._discovered[model]], model, 8_192, {})
        raise ProviderError(
            f"There is no model named {model!r} here; choose another for this conversation.",
            "unknown_model",
        )

    async def discover(self) -> None:
        """Look for model servers on this machine, unless the configuration names a model."""
        if self._settings.default_model or self._settings.models:
            return
        candidates = self._candidates()
        lists = await asyncio.gather(*(self._list_models(p) for p in candidates.values()))
        for (name, (_, provider)), models in zip(candidates.items(), lists, strict=True):
            if not models:
                await provider.close()
                continue
            self._providers[name] = provider
            for model in models:
                self._discovered.setdefault(model, name)
            if self._default == DEMO:
                self._default = models[0]
                _log.info("model server found", provider=name, model=self._default)

    def _candidates(self) -> dict[str, tuple[str, Provider]]:
        """Return the servers to look at, as name → (base URL, provider)."""
        candidates: dict[str, tuple[str, Provider]] = {}
        key = self._environ.get("OPENAI_API_KEY")
        base_url = self._environ.get("OPENAI_BASE_URL") or (key and "https://api.openai.com/v1")
        if base_url and not is_web_url(base_url):
            _log.warning("OPENAI_BASE_URL is not an http:// or https:// address and is ignored")
        elif base_url:
            settings = ProviderSettings(kind="openai", base_url=base_url, api_key=key)
            candidates["environment"] = (base_url, self._create_provider(settings))
        for name, base in self._local_servers.items():
            candidates[name] = (
                base,
                self._create_provider(ProviderSettings(kind="openai", base_url=base)),
            )
        return candidates

    async def _list_models(self, candidate: tuple[str, Provider]) -> list[str]:
        base, provider = candidate
        limits = self._limits
        here = base in self._local_servers.values()
        try:
            async with asyncio.timeout(limits.discovery_timeout if here else limits.model_listing):
                models = await provider.list_models()
        except (ProviderError, TimeoutError):
            return []
        return [m for m in models if not any(word in m.lower() for word in _OTHER_USES)]

    async def close(self) -> None:
        """Close all providers."""
        for provider in self._providers.values():
            await provider.close()
