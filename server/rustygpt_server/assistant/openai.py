"""The provider for OpenAI's chat completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from rustygpt_server.assistant.event_stream import read_events
from rustygpt_server.assistant.openai_models import models_in
from rustygpt_server.assistant.openai_stream import StreamParser, parse_body
from rustygpt_server.assistant.provider import (
    CompletionChunk,
    ListedModel,
    Prompt,
    ProviderError,
)
from rustygpt_server.assistant.provider_errors import error_from, error_from_text
from rustygpt_server.runtime import Runtime
from rustygpt_shared.settings import Provider as ProviderSettings

_RETRIED = (429, 503)
_RETRY_MAX_SECONDS = 10
_ANSWER_LIMIT = 1 << 20
_BODY_LIMIT = 4 << 20


class OpenAIProvider:
    """One OpenAI-compatible server; keeps its connections open between answers."""

    def __init__(self, settings: ProviderSettings, idle_timeout: float, runtime: Runtime) -> None:
        headers = dict(settings.headers)
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        self._client = httpx.AsyncClient(
            base_url=(settings.base_url or "").rstrip("/") + "/",
            headers=headers,
            timeout=httpx.Timeout(idle_timeout, connect=runtime.limits.connect_timeout),
            follow_redirects=False,
            trust_env=False,
        )
        self._with_usage = True
        self._clock = runtime.clock

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream a completion.

        A refusal before its first chunk is retried once where that helps.
        """
        async with await self._open(prompt) as response:
            parser = StreamParser()
            if "json" in response.headers.get("content-type", ""):
                for chunk in parser.feed_body(await _json_of(response)):
                    yield chunk
            else:
                async for chunk in self._chunks(response, parser):
                    yield chunk
            for chunk in parser.end():
                yield chunk

    async def list_models(self) -> list[ListedModel]:
        """Return the models in the server's list, with the context that it names."""
        try:
            request = self._client.build_request("GET", "models")
            response = await self._client.send(request, stream=True)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        if not response.is_success:
            raise await _refusal(response)
        async with _Response(response):
            return models_in(await _json_of(response))

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _chunks(
        self, response: httpx.Response, parser: StreamParser
    ) -> AsyncIterator[CompletionChunk]:
        """Yield the chunks of a streamed response of at most 1 MiB of text."""
        size = 0
        try:
            async for event in read_events(response.aiter_bytes()):
                for chunk in parser.feed_event(event):
                    size += len(chunk.content) + len(chunk.reasoning)
                    yield chunk
                if parser.done:
                    return
                if size > _ANSWER_LIMIT:
                    raise ProviderError("The answer exceeded 1 MiB and was cut.")
        except httpx.HTTPError as error:
            raise _unreachable(error) from None

    async def _open(self, prompt: Prompt) -> "_Response":
        for attempt in (1, 2):
            try:
                response = await self._client.send(self._request(prompt), stream=True)
            except httpx.HTTPError as error:
                raise _unreachable(error) from None
            if response.is_success:
                return _Response(response)
            refusal = await _refusal(response)
            if not (attempt == 1 and await self._may_retry(response, refusal.detail)):
                raise refusal
        raise ProviderError("The model's server rejected the request twice.")

    def _request(self, prompt: Prompt) -> httpx.Request:
        fields: dict[str, Any] = {
            **prompt.params,
            "model": prompt.model,
            "messages": [{"role": t.role, "content": t.content} for t in prompt.messages],
            "stream": True,
        }
        if self._with_usage:
            fields["stream_options"] = {"include_usage": True}
        return self._client.build_request("POST", "chat/completions", json=fields)

    async def _may_retry(self, response: httpx.Response, detail: str) -> bool:
        if response.status_code == 400 and self._with_usage and "stream_options" in detail:
            self._with_usage = False
            return True
        now = _date(response.headers.get("date", "")) or self._clock.now()
        wait = retry_seconds(response.headers.get("retry-after", ""), now)
        if response.status_code in _RETRIED and wait is not None and wait <= _RETRY_MAX_SECONDS:
            await asyncio.sleep(wait)
            return True
        return False


class _Response:
    """Closes a response when the completion is over, also when the rest is not read."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aenter__(self) -> httpx.Response:
        return self._response

    async def __aexit__(self, *_: object) -> None:
        await self._response.aclose()


async def _json_of(response: httpx.Response) -> Any:
    body = parse_body(await _read(response))
    if body is None:
        raise ProviderError("The model's server sent something that is not JSON.")
    return body


async def _refusal(response: httpx.Response) -> ProviderError:
    """Return the error in a refusal, with the server's words and the status."""
    try:
        data = await _read(response)
    except ProviderError as error:
        return error
    finally:
        await response.aclose()
    body = parse_body(data)
    if body is None:
        return error_from_text(data.decode("utf-8", "replace"), response.status_code)
    return error_from(body, response.status_code)


def retry_seconds(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks to wait: a number or a date (RFC 9110).

    None when it is neither. `now` is the time of the server that sent it, if that is known.
    """
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.strip(), re.ASCII):
        return float(value)
    date = _date(value)
    return max(0.0, (date - now).total_seconds()) if date else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)


async def _read(response: httpx.Response) -> bytes:
    """Return a full body of at most 4 MiB; raise ProviderError."""
    body = b""
    try:
        async for data in response.aiter_bytes():
            body += data
            if len(body) > _BODY_LIMIT:
                raise ProviderError("The model's server sent too much at once.")
    except httpx.HTTPError as error:
        raise _unreachable(error) from None
    return body


def _unreachable(error: Exception) -> ProviderError:
    if isinstance(error, httpx.TimeoutException):
        return ProviderError("The model's server was silent for too long.", "timeout")
    return ProviderError("The model's server cannot be reached.", "unreachable")
