"""The catalog of models: those of the configuration, and those that providers list.

Without configured providers and models it looks for model servers on this machine.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rustygpt_server.assistant.answer_queue import AnswerQueue
from rustygpt_server.assistant.model_source import ModelSource
from rustygpt_server.assistant.provider import Provider, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_server.config import model_server_problem
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
_NAME_SHOWN = 100
"""How many characters of an unknown name an error repeats."""
ASSUMED_CONTEXT_TOKENS = 8_192
"""The context of a model whose server does not say it."""

ProviderFactory = Callable[[ProviderSettings], Provider]


class ResolvedModel(NamedTuple):
    """A model, and how to call it."""

    provider: Provider
    name: str
    """The provider's own name of the model."""
    context_tokens: int
    params: dict[str, Any]
    source: str
    """The name of the provider."""
    queue: AnswerQueue


class _Entry(NamedTuple):
    """A name in the catalog."""

    source: ModelSource
    name: str
    context_tokens: int | None
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
        self._create_provider = create_provider
        configured = {model.provider for model in settings.models.values()}
        self._configured = {
            name: self._source(name, provider) for name, provider in settings.providers.items()
        }
        self._found = {} if _names_models(settings) else self._candidates(environ, local_servers)
        self._demo = self._source(DEMO, ProviderSettings(kind="demo"))
        self._listed = [s for s in self._configured.values() if s.name not in configured]
        self._listed += self._found.values()
        self._shown: dict[str, _Entry] = {}
        self._accepted: dict[str, _Entry] = {}
        self._exceeded: dict[tuple[str, str], int] = {}
        """The contexts of models that turned out to be smaller, by provider and model."""
        self._has_settled = False
        """True once each provider has listed its models, or failed to."""
        self._default = ""
        self._update()

    @property
    def default_model(self) -> str:
        """The model of conversations that name none."""
        return self._default

    def names(self) -> list[str]:
        """Return every name of a model that requests may use, the default first."""
        return list(dict.fromkeys([self._default, *self._shown, *self._accepted]))

    def list_models(self) -> list[ModelInfo]:
        """Return the models to choose from, the default first."""
        default = self._find(self._default)
        models = [
            ModelInfo(name, entry.source.name, self._context(entry), is_default=entry is default)
            for name, entry in self._shown.items()
        ]
        return sorted(models, key=lambda model: not model.is_default)

    def check(self, model: object) -> None:
        """Raise ValidationFailed when a request names a model that does not exist here."""
        if isinstance(model, str) and self._find(model) is None:
            message = "there is no model of this name here"
            raise ValidationFailed.of_fields([FieldError("model", message)])

    def label(self, model: str) -> str:
        """Return the label of a model in metrics: its name, or `unknown` for any other text."""
        return model if self._find(model) else "unknown"

    def resolve(self, model: str) -> ResolvedModel:
        """Return how to call a model; raise ProviderError when there is none of this name."""
        entry = self._find(model)
        if entry is not None:
            return ResolvedModel(
                entry.source.provider,
                entry.name,
                self._context(entry),
                entry.params,
                entry.source.name,
                entry.source.queue,
            )
        missing = [s.name for s in self._configured.values() if not s.was_reached]
        if missing and model == self._default:
            names = ", ".join(missing)
            raise ProviderError(
                f"The model's server ({names}) cannot be reached; ask again in a minute.",
                "unreachable",
            )
        raise ProviderError(
            f"There is no model named {model[:_NAME_SHOWN]!r} here; choose another for this "
            "conversation.",
            "unknown_model",
        )

    def shrink_context(self, model: ResolvedModel, stated: int | None) -> ResolvedModel:
        """Return a model with a smaller context, because a prompt exceeded it.

        `stated` is the size that its server says. It is remembered until this process ends; without
        it, half of what was assumed. A prompt that exceeds a context of about the assumed size was
        estimated too low: it gets half, and nothing is remembered that is not stated.
        """
        assumed = model.context_tokens
        half = max(1, assumed // 2)
        if stated is None or stated < assumed:
            self._exceeded[model.source, model.name] = stated or half
        fits = stated if stated is not None and stated <= assumed * 3 // 4 else half
        return model._replace(context_tokens=fits)

    def _context(self, entry: _Entry) -> int:
        """Return the size of a context: configured, or as the provider says, or assumed."""
        known = entry.context_tokens or entry.source.context_of(entry.name)
        size = known or ASSUMED_CONTEXT_TOKENS
        return min(size, self._exceeded.get((entry.source.name, entry.name), size))

    async def refresh(self) -> None:
        """Ask all providers for their models; one that does not answer keeps those it had."""
        sources = [*self._configured.values(), *self._found.values()]
        before = self._default
        await asyncio.gather(*(self._refresh(source) for source in sources))
        self._has_settled = True
        if before != self._default:
            _log.info("the default model changed", model=self._default)

    async def _refresh(self, source: ModelSource) -> None:
        await source.refresh()
        self._update()  # a slow provider does not delay the models of the others

    async def close(self) -> None:
        """Close all providers."""
        for source in (*self._configured.values(), *self._found.values(), self._demo):
            await source.provider.close()

    def _find(self, model: str) -> _Entry | None:
        return self._shown.get(model) or self._accepted.get(model)

    def _update(self) -> None:
        """Name the models that are known now, and choose the default."""
        shown = {
            name: _Entry(self._configured[m.provider], m.name or name, m.context_tokens, m.params)
            for name, m in self._settings.models.items()
        }
        accepted: dict[str, _Entry] = {}
        counts = Counter([*shown, *(alias for s in self._listed for alias in s.models)])
        for source, alias, entry in self._listed_entries():
            qualified = f"{source.name}/{alias}"
            shown.setdefault(alias if counts[alias] == 1 else qualified, entry)
            for name in (alias, qualified, entry.name):
                accepted.setdefault(name, entry)
        shown.setdefault(DEMO, _Entry(self._demo, DEMO, None, {}))
        self._shown = shown
        self._accepted = accepted
        self._default = self._choose_default()

    def _listed_entries(self) -> Iterator[tuple[ModelSource, str, _Entry]]:
        for source in self._listed:
            for alias, model in source.models.items():
                yield source, alias, _Entry(source, model.name, model.context_tokens, {})

    def _choose_default(self) -> str:
        """Return the configured default; else the present one while it exists; else the first.

        Which provider was the fastest to list its models makes no difference. While no configured
        one has listed any, it is the name of the first provider, whose answers say that it cannot
        be reached: the demo would look like a working model.
        """
        if self._settings.default_model:
            return self._settings.default_model
        first = next(iter(self._shown))
        if first == DEMO and self._listed and self._configured:
            return self._listed[0].name
        stays = self._has_settled and self._default != DEMO and self._find(self._default)
        return self._default if stays else first

    def _source(
        self, name: str, settings: ProviderSettings, timeout: float | None = None
    ) -> ModelSource:
        default = 1 if settings.kind == "llama" else self._settings.max_concurrent_requests
        slots = settings.max_concurrent_requests or default
        return ModelSource(
            name,
            self._create_provider(settings),
            AnswerQueue(slots, self._limits),
            timeout or self._limits.model_listing,
        )

    def _candidates(
        self, environ: Mapping[str, str], local_servers: Mapping[str, str]
    ) -> dict[str, ModelSource]:
        """Return the servers to look at: that of the environment, and those on this machine."""
        candidates: dict[str, ModelSource] = {}
        key = environ.get("OPENAI_API_KEY")
        base_url = environ.get("OPENAI_BASE_URL") or (key and "https://api.openai.com/v1")
        problem = model_server_problem(base_url) if base_url else None
        if problem:
            _log.warning(f"OPENAI_BASE_URL {problem}; it is ignored")
        elif base_url:
            settings = ProviderSettings(kind="openai", base_url=base_url, api_key=key)
            candidates["environment"] = self._source("environment", settings)
        for name, base in local_servers.items():
            settings = ProviderSettings(kind="openai", base_url=base)
            candidates[name] = self._source(name, settings, self._limits.discovery_timeout)
        return candidates


def _names_models(settings: Llm) -> bool:
    """Return whether the configuration says which models there are."""
    return bool(settings.default_model or settings.models or settings.providers)
