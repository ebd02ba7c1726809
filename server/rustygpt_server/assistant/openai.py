"""The provider for OpenAI's chat completions: OpenAI, Ollama, llama.cpp, vLLM, LM Studio."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

from rustygpt_server.assistant.openai_stream import StreamParser, error_from, parse_body, read_lines
from rustygpt_server.assistant.provider import CompletionChunk, Prompt, ProviderError
from rustygpt_server.clock import TimeLimits
from rustygpt_shared.settings import Provider as ProviderSettings

_RETRIED = (429, 503)
_ANSWER_LIMIT = 1 << 20
_BODY_LIMIT = 4 << 20
_NAME_LIMIT = 200


class OpenAIProvider:
    """One OpenAI-compatible server; keeps its connections open between answers."""

    def __init__(self, settings: ProviderSettings, idle_timeout: float, limits: TimeLimits) -> None:
        headers = dict(settings.headers)
        if settings.api_key:
            headers["Authorization"] = f"Bearer {settings.api_key}"
        self._client = httpx.AsyncClient(
            base_url=(settings.base_url or "").rstrip("/") + "/",
            headers=headers,
            timeout=httpx.Timeout(idle_timeout, connect=limits.connect_timeout),
            follow_redirects=False,
            trust_env=False,
        )
        self._with_usage = True

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream a completion.

        A refusal before its first chunk is retried once where that helps.
        """
        async with await self._open(prompt) as response:
            parser = StreamParser()
            if "json" in response.headers.get("content-type", ""):
                for chunk in parser.feed_body(parse_body(await _read(response))):
                    yield chunk
            else:
                async for chunk in self._chunks(response, parser):
                    yield chunk
            parser.check_end()

    async def list_models(self) -> list[str]:
        """Return the ids in the server's list of models."""
        try:
            response = await self._client.get("models")
            body = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unreachable(error) from None
        data = body.get("data") if isinstance(body, dict) else None
        models = data if isinstance(data, list) else []
        return [m["id"] for m in models if isinstance(m, dict) and _is_name(m.get("id"))]

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def _chunks(
        self, response: httpx.Response, parser: StreamParser
    ) -> AsyncIterator[CompletionChunk]:
        """Yield the chunks of a streamed response of at most 1 MiB of text."""
        size = 0
        try:
            async for line in read_lines(response.aiter_bytes()):
                for chunk in parser.feed_line(line):
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
            body = await _body(response)
            if not (attempt == 1 and await self._may_retry(response, body)):
                raise error_from(body)
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

    async def _may_retry(self, response: httpx.Response, body: Any) -> bool:
        if response.status_code == 400 and self._with_usage and "stream_options" in str(body):
            self._with_usage = False
            return True
        wait = response.headers.get("retry-after", "")
        if response.status_code in _RETRIED and wait.isdigit() and int(wait) <= 10:
            await asyncio.sleep(int(wait))
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


async def _body(response: httpx.Response) -> Any:
    try:
        return parse_body(await _read(response))
    except ProviderError:
        return {"error": f"HTTP {response.status_code}"}
    finally:
        await response.aclose()


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


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _NAME_LIMIT and value.isprintable()


def _unreachable(error: Exception) -> ProviderError:
    if isinstance(error, httpx.TimeoutException):
        return ProviderError("The model's server was silent for too long.", "timeout")
    if isinstance(error, httpx.HTTPStatusError):
        return ProviderError(f"The model's server answered {error.response.status_code}.")
    return ProviderError("The model's server cannot be reached.", "unreachable")
