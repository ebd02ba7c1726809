"""Completions as OpenAI writes them: one object, or chunks in server-sent events."""

from typing import Any, Final, cast

from msgspec import UNSET, UnsetType

from rustygpt_server.api.openai_errors import openai_error
from rustygpt_server.assistant.provider import CompletionChunk
from rustygpt_server.services.completions import Completion, CompletionEnd
from rustygpt_shared import codec
from rustygpt_shared.chat_completions import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
    ChunkChoice,
    ChunkDelta,
    CompletionAnswer,
    CompletionChoice,
    CompletionUsage,
    FinishReason,
    StoredMetadata,
)
from rustygpt_shared.models.messages import Usage

KEEPALIVE: Final = b": keep-alive\n\n"
_DONE: Final = b"data: [DONE]\n\n"


def completion_of(
    request: ChatCompletionRequest,
    completion: Completion,
    text: CompletionChunk,
    end: CompletionEnd,
    warnings: list[str],
) -> ChatCompletion:
    """Return a completion with all its text."""
    answer = CompletionAnswer("assistant", text.content, None, text.reasoning or None)
    return ChatCompletion(
        completion.id,
        "chat.completion",
        int(completion.created.timestamp()),
        request.model,
        [CompletionChoice(0, answer, None, _finish_reason(end))],
        _usage(end.usage),
        _metadata(completion),
        warnings or None,
    )


class CompletionFrames:
    """The frames of one completion that is streamed."""

    def __init__(
        self, request: ChatCompletionRequest, completion: Completion, warnings: list[str]
    ) -> None:
        self._model = request.model
        self._completion = completion
        self._warnings = warnings
        options = request.stream_options
        self._with_usage = bool(options and options.include_usage)

    def begin(self) -> bytes:
        """Return the first frame, without text."""
        return self._frame(
            [ChunkChoice(0, ChunkDelta("assistant", ""), None, None)],
            metadata=_metadata(self._completion),
            warnings=self._warnings or None,
        )

    def text(self, chunk: CompletionChunk) -> bytes:
        """Return the frame with a part of the text."""
        delta = ChunkDelta(content=chunk.content or None, reasoning=chunk.reasoning or None)
        return self._frame([ChunkChoice(0, delta, None, None)])

    def end(self, end: CompletionEnd) -> bytes:
        """Return the last frames."""
        frames = self._frame([ChunkChoice(0, ChunkDelta(), None, _finish_reason(end))])
        if self._with_usage:
            frames += self._frame([], usage=_usage(end.usage))
        return frames + _DONE

    def _frame(
        self, choices: list[ChunkChoice], usage: CompletionUsage | None = None, **fields: Any
    ) -> bytes:
        shown: CompletionUsage | UnsetType | None = usage if self._with_usage else UNSET
        chunk = ChatCompletionChunk(
            self._completion.id,
            "chat.completion.chunk",
            int(self._completion.created.timestamp()),
            self._model,
            choices,
            shown,
            **fields,
        )
        return b"data: %b\n\n" % codec.encode(chunk)


def error_frame(error: BaseException) -> bytes:
    """Return the frame that ends a stream which cannot be completed."""
    return b"data: %b\n\n" % codec.encode(openai_error(error))


def _usage(usage: Usage) -> CompletionUsage:
    return CompletionUsage(usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)


def _metadata(completion: Completion) -> StoredMetadata | None:
    return StoredMetadata(completion.place) if completion.place else None


def _finish_reason(end: CompletionEnd) -> FinishReason:
    return cast("FinishReason", end.finish_reason)
