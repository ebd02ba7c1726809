"""The provider for OpenAI's chat completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

from rustygpt_server.assistant.checked_transport import CheckedTransport
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
from rustygpt_server.assistant.retries import Refused, retry_after
from rustygpt_server.runtime import Runtime
from rustygpt_shared.settings import Provider as ProviderSettings

_ANSWER_LIMIT = 1 << 20
_BODY_LIMIT = 4 << 20
_PARTS_AT_ONCE = 100
"""How many parts of a body are read before other tasks run: one packet may have thousands."""


class OpenAIProvider:
    """One OpenAI-compatible server; keeps its connections open between answers."""

    def __init__(
        self,
        settings: ProviderSettings,
        read_timeout: float,
        runtime: Runtime,
        transport: CheckedTransport | None = None,
    ) -> None:
        """`read_timeout`: how many seconds the connection may bring nothing, comments included."""
        headers = {"Accept-Encoding": "identity", **settings.headers}
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        self._client = httpx.AsyncClient(
            base_url=(settings.base_url or "").rstrip("/") + "/",
            headers=headers,
            timeout=httpx.Timeout(read_timeout, connect=runtime.limits.connect_timeout),
            transport=transport or CheckedTransport(),
            follow_redirects=False,
            trust_env=False,
        )
        self._with_usage = True
        """False once the server has refused to be asked for the usage."""
        self._clock = runtime.clock

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream a completion; the request is sent again where that helps (see `retries`)."""
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
        response = await self._send(self._client.build_request("GET", "models"))
        if isinstance(response, Refused):
            raise response.error
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
            async for event in read_events(_bytes_of(response)):
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
        """Return the response to a prompt; nothing of an answer has arrived before it."""
        retries = 0
        while True:
            with_usage = self._with_usage
            response = await self._send(self._request(prompt, with_usage=with_usage))
            if not isinstance(response, Refused):
                return _Response(response)
            if with_usage and _refuses_usage(response):
                self._with_usage = False
                continue
            wait = response.wait_before(retries)
            if wait is None:
                raise response.error
            retries += 1
            await self._clock.sleep(wait)

    def _request(self, prompt: Prompt, *, with_usage: bool) -> httpx.Request:
        fields: dict[str, Any] = {
            **prompt.params,
            "model": prompt.model,
            "messages": [{"role": t.role, "content": t.content} for t in prompt.messages],
            "stream": True,
        }
        if with_usage:
            fields["stream_options"] = {"include_usage": True}
        return self._client.build_request("POST", "chat/completions", json=fields)

    async def _send(self, request: httpx.Request) -> httpx.Response | Refused:
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return Refused(_unreachable(error), None)
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        if response.is_success:
            return response
        wait = retry_after(response, self._clock.now())
        return Refused(await _refusal(response), response.status_code, wait)


def _refuses_usage(refused: Refused) -> bool:
    return refused.status == 400 and "stream_options" in refused.error.detail


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
    if response.is_redirect:
        return ProviderError(
            f"The model's server redirects to another address (HTTP {response.status_code}), which "
            "is not followed; correct its base_url.",
            "redirect",
        )
    body = parse_body(data)
    if body is None:
        return error_from_text(data.decode("utf-8", "replace"), response.status_code)
    return error_from(body, response.status_code)


async def _read(response: httpx.Response) -> bytes:
    """Return a full body of at most 4 MiB; raise ProviderError."""
    body = bytearray()
    try:
        async for data in _bytes_of(response):
            body += data
            if len(body) > _BODY_LIMIT:
                raise ProviderError("The model's server sent too much at once.")
    except httpx.HTTPError as error:
        raise _unreachable(error) from None
    return bytes(body)


async def _bytes_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the bytes of a body as they are sent; raise ProviderError for a compressed one.

    Two kilobytes can be compressed gigabytes. Other tasks run between many tiny parts.
    """
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ProviderError(
            "The model's server compressed its response, which it was asked not to do; switch that "
            "off there."
        )
    count = 0
    async for data in response.aiter_raw():
        yield data
        count += 1
        if count % _PARTS_AT_ONCE == 0:
            await asyncio.sleep(0)


def _unreachable(error: Exception) -> ProviderError:
    if isinstance(error, httpx.ConnectTimeout):
        return ProviderError("The model's server accepts no connection in time.", "unreachable")
    if isinstance(error, httpx.TimeoutException):
        return ProviderError("The model's server was silent for too long.", "timeout")
    return ProviderError("The model's server cannot be reached.", "unreachable")
