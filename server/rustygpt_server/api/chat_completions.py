"""Routes of OpenAI's API: models and chat completions, streamed or not (`/v1`, `/api/v1`).

How a completion is generated belongs to the services.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

from sanic.request import Request

from rustygpt_server.api.completion_frames import (
    KEEPALIVE,
    CompletionFrames,
    completion_of,
    error_frame,
)
from rustygpt_server.api.completion_input import input_of, question_of, warnings_of
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.api.sse_response import SseResponse
from rustygpt_server.assistant.provider import CompletionChunk
from rustygpt_server.errors import ModelFailed, RequestError
from rustygpt_server.rates import Rate
from rustygpt_server.services.completions import Completion, CompletionEnd
from rustygpt_server.telemetry import log
from rustygpt_shared.chat_completions import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionRequest,
    OpenAIModel,
    OpenAIModelList,
)
from rustygpt_shared.models.assistant import ModelInfo

_log = log(__name__)

_POSTING: Final = ("POST", "/api/threads/{conversation_id}/root")
"""The route whose limit holds for questions that are stored, too."""


async def list_openai_models(context: RequestContext[None]) -> OpenAIModelList:
    """List the models, the default first, as OpenAI does."""
    models = context.services.models.list_models()
    return OpenAIModelList("list", [_openai_model(model) for model in models])


async def show_openai_model(context: RequestContext[None], model_id: str) -> OpenAIModel:
    """Return a model as OpenAI does; its id may contain slashes."""
    name = unquote(model_id)
    for model in context.services.models.list_models():
        if model.id == name:
            return _openai_model(model)
    raise ModelFailed("There is no model of this name here.", "unknown_model")


async def create_chat_completion(
    context: RequestContext[ChatCompletionRequest],
) -> ChatCompletion | None:
    """Create an answer to a list of messages, streamed if `stream` is true.

    Nothing is stored but the usage, and the model is stopped when the client leaves. With
    `metadata.rustygpt` the last message is posted in that conversation, and the answer is generated
    there as any other, whether the client stays or not.
    """
    request = context.body
    is_stored = bool(request.metadata and request.metadata.rustygpt)
    warnings = warnings_of(request, context.request.body, is_stored=is_stored)
    async with _opened(context) as completion:
        if request.stream:
            frames = CompletionFrames(request, completion, warnings)
            await _stream(context, completion, frames)
            return None
        with _time_allowed(context.request, context.services.completions.longest_seconds):
            text, end = await _collect(completion, context.services.completions.longest_seconds)
        return completion_of(request, completion, text, end, warnings)


@asynccontextmanager
async def _opened(context: RequestContext[ChatCompletionRequest]) -> AsyncIterator[Completion]:
    """Begin the completion that a request asks for; close it at the end."""
    services, request, actor = context.services, context.body, context.caller.user.id
    place = request.metadata.rustygpt if request.metadata else None
    completion: Completion
    if place is None:
        completion_input = input_of(request)
        services.models.require(request.model)
        completion = await services.completions.complete(actor, completion_input)
    else:
        question = question_of(request)
        services.models.require(request.model)
        await services.completions.authorize(actor)
        completion = await services.stored_completions.complete(
            actor, place, question, _posting_rate(context)
        )
    try:
        yield completion
    finally:
        await completion.close()


async def _stream(
    context: RequestContext[Any], completion: Completion, frames: CompletionFrames
) -> None:
    """Send a completion as it is generated.

    A failure before the first part is an HTTP error, unless the model is silent for so long that
    a comment has to keep the connection open.
    """
    silence = context.services.completions.silence_seconds
    reader = _Reader(context)
    part = await completion.next(silence)
    response = await SseResponse.begin(context.request, frames.begin(), context.limits.peer_timeout)
    try:
        while not isinstance(part, CompletionEnd):
            await reader.check()
            await response.send(KEEPALIVE if part is None else frames.text(part))
            part = await completion.next(silence)
        await response.send(frames.end(part))
    except asyncio.CancelledError:
        response.abort()
        raise
    except Exception as error:  # noqa: BLE001 - a stream's boundary: its response has started
        if not isinstance(error, RequestError):
            _log.error("a completion failed", exc_info=True)
        await response.send(error_frame(error))


class _Reader:
    """Checks now and then that the caller may still read, as is done for event streams."""

    def __init__(self, context: RequestContext[Any]) -> None:
        self._context = context
        self._checked_at = asyncio.get_running_loop().time()

    async def check(self) -> None:
        """Raise NotSignedIn when the token was revoked, or the session or the account ended."""
        now = asyncio.get_running_loop().time()
        if now - self._checked_at >= self._context.limits.access_freshness:
            self._checked_at = now
            await self._context.auth.authenticate(self._context.request, csrf=False)


async def _collect(completion: Completion, seconds: float) -> tuple[CompletionChunk, CompletionEnd]:
    """Return all text of a completion, and its end."""
    parts: list[CompletionChunk] = []
    while True:
        part = await completion.next(seconds)
        if isinstance(part, CompletionEnd):
            content = "".join(chunk.content for chunk in parts)
            reasoning = "".join(chunk.reasoning for chunk in parts)
            return CompletionChunk(content=content, reasoning=reasoning), part
        if part is not None:
            parts.append(part)


@contextmanager
def _time_allowed(request: Request, seconds: float) -> Iterator[None]:
    """Let a response take longer than Sanic allows all others, until it begins."""
    protocol: Any = request.protocol
    usual = protocol.response_timeout
    protocol.response_timeout = max(usual, seconds)
    try:
        yield
    finally:
        protocol.response_timeout = usual


def _posting_rate(context: RequestContext[Any]) -> Rate | None:
    limits = context.services.rate_limits
    return limits.rate_of(*_POSTING) if limits.enabled else None


def _openai_model(model: ModelInfo) -> OpenAIModel:
    return OpenAIModel(model.id, "model", 0, model.provider)


_AT_V1: Final = (
    Operation(
        method="GET",
        path="/v1/models",
        handler=list_openai_models,
        response=OpenAIModelList,
        scope="v1",
    ),
    Operation(
        method="GET",
        path="/v1/models/<model_id:path>",
        handler=show_openai_model,
        response=OpenAIModel,
        scope="v1",
    ),
    Operation(
        method="POST",
        path="/v1/chat/completions",
        handler=create_chat_completion,
        body=ChatCompletionRequest,
        response=ChatCompletion,
        streamed_response=ChatCompletionChunk,
        errors=(404, 409, 502, 504),
        scope="v1",
        ends_with_client=True,
    ),
)
OPERATIONS: Final = (
    *_AT_V1,
    *(
        replace(one, path=f"/api{one.path}", operation_id=f"{one.handler.__name__}_below_api")
        for one in _AT_V1
    ),
)
