"""The provider protocol: a prompt in, chunks of a completion out."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from msgspec import Struct

from rustygpt_server.assistant.model_text import storable
from rustygpt_shared.models.messages import Usage


class ChatMessage(Struct, frozen=True):
    """One message of a prompt."""

    role: str
    content: str


class Prompt(Struct, frozen=True):
    """What a model is called with."""

    model: str
    """The provider's own name of the model."""
    messages: list[ChatMessage]
    params: dict[str, Any] = {}


class ListedModel(Struct, frozen=True):
    """A model as its provider lists it."""

    name: str
    """The provider's own name of the model, which requests use."""
    context_tokens: int | None = None
    """The size of its context window, if the provider says it."""


class CompletionChunk(Struct, frozen=True):
    """A part of a completion: text, the finish reason, or the usage."""

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    """`stop` or `length`, once, in one of the last chunks."""
    usage: Usage | None = None


class ProviderError(Exception):
    """Why a provider returned no complete answer, in one sentence for a person."""

    def __init__(self, detail: str, code: str = "provider_error") -> None:
        """Both may contain what a server has sent: they are made storable."""
        self.detail = storable(detail)
        self.code = storable(code)
        super().__init__(self.detail)


class ContextExceeded(ProviderError):
    """The prompt has more tokens than the model's context."""

    def __init__(self, detail: str, code: str, context_tokens: int | None = None) -> None:
        super().__init__(detail, code)
        self.context_tokens = context_tokens
        """The size of the context, if the server says it."""


class Provider(Protocol):
    """A model server."""

    def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream a completion; raises ProviderError. Closing the iterator stops the model."""

    async def list_models(self) -> list[ListedModel]:
        """Return its models; raises ProviderError."""

    async def close(self) -> None:
        """Close its connections."""
