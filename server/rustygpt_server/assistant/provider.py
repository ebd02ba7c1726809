"""What a model server is to us: a prompt in, pieces of an answer out."""

from collections.abc import AsyncIterator
from typing import Any, Protocol

from msgspec import Struct

from rustygpt_shared.models.messages import Usage


class ChatMessage(Struct, frozen=True):
    """One message of a prompt."""

    role: str
    content: str


class Prompt(Struct, frozen=True):
    """What a model is asked."""

    model: str
    """What the provider calls the model."""
    messages: list[ChatMessage]
    params: dict[str, Any] = {}


class CompletionChunk(Struct, frozen=True):
    """What an answer grows by, or how it ends."""

    content: str = ""
    reasoning: str = ""
    finish_reason: str | None = None
    """`stop` or `length`, once, in one of the last pieces."""
    usage: Usage | None = None


class ProviderError(Exception):
    """Why a provider gave no whole answer, in one sentence for a person."""

    def __init__(self, detail: str, code: str = "provider_error") -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code


class Provider(Protocol):
    """A server of models."""

    def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream an answer; raises ProviderError. Closing the iterator stops the model."""

    async def list_models(self) -> list[str]:
        """The names of the models it has; raises ProviderError."""

    async def close(self) -> None:
        """Let go of connections."""
