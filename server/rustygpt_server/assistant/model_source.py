"""A provider together with its queue and the models that it listed last.

Lists are refreshed in the background: a server that starts late is found, and one that went away
keeps its models, whose answers then say that it cannot be reached.
"""

import asyncio
import re

from rustygpt_server.assistant.answer_queue import AnswerQueue
from rustygpt_server.assistant.provider import ListedModel, Provider, ProviderError
from rustygpt_server.telemetry import log

_log = log(__name__)

MODELS_MAX = 1_000
"""How many models of one provider are listed."""
_OTHER_USES = ("embed", "whisper", "tts", "dall-e", "moderation", "image", "audio", "rerank")
_PATH = re.compile(r"(\.{0,2}[/\\]|[A-Za-z]:[/\\])")
_SEPARATOR = re.compile(r"[/\\]")
_SUFFIX = ".gguf"


class ModelSource:
    """One provider under its name."""

    def __init__(self, name: str, provider: Provider, queue: AnswerQueue, timeout: float) -> None:
        """`timeout`: how many seconds the provider has to list its models."""
        self.name = name
        self.provider = provider
        self.queue = queue
        self.models: dict[str, ListedModel] = {}
        """The models that can answer, by the name that people see."""
        self.was_reached = False
        """True once it has listed its models."""
        self._timeout = timeout
        self._is_reachable = True

    async def refresh(self) -> None:
        """List the models again; those of a server that does not answer stay."""
        try:
            async with asyncio.timeout(self._timeout):
                listed = await self.provider.list_models()
        except (ProviderError, TimeoutError) as error:
            self._set_reachable(reachable=False, reason=str(error) or "no response in time")
            return
        self._set_reachable(reachable=True)
        self.was_reached = True
        self.models = _by_alias(listed)

    def context_of(self, name: str) -> int | None:
        """Return the context of a model by the provider's own name, if the provider says it.

        A server with a single model serves it under any name.
        """
        models = list(self.models.values())
        found = (m.context_tokens for m in models if m.name == name or len(models) == 1)
        return next(found, None)

    def _set_reachable(self, *, reachable: bool, reason: str = "") -> None:
        """Log a change: a server that is away, or is there again."""
        if self._is_reachable and not reachable:
            _log.info("a model server does not list its models", provider=self.name, reason=reason)
        elif reachable and not self._is_reachable:
            _log.info("a model server lists its models", provider=self.name)
        self._is_reachable = reachable


def _by_alias(listed: list[ListedModel]) -> dict[str, ListedModel]:
    models: dict[str, ListedModel] = {}
    for model in listed[:MODELS_MAX]:
        if not any(word in model.name.lower() for word in _OTHER_USES):
            alias = alias_of(model.name)
            models.setdefault(model.name if alias in models else alias, model)
    return models


def alias_of(name: str) -> str:
    """Return the name that people see: of a file, its name without folder and `.gguf`."""
    is_model_file = name.lower().endswith(_SUFFIX)
    if not is_model_file and not _PATH.match(name):
        return name
    file = _SEPARATOR.split(name.rstrip("/\\"))[-1]
    return (file[: -len(_SUFFIX)] if is_model_file else file) or name
