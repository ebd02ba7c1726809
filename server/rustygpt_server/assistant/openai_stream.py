"""Parser of the streaming responses of OpenAI-compatible servers.

Servers differ: comments as keepalives, `content: null`, no `[DONE]`, errors in the middle of a
stream in three shapes. The tests keep what is known of each.
"""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec

from rustygpt_server.assistant.provider import CompletionChunk, ProviderError
from rustygpt_shared.models.messages import Usage

LINE_LIMIT = 1 << 20
_TOKENS_MAX = 1 << 40
_FINISH = {"stop": "stop", "length": "length", "eos": "stop", "content_filter": "stop"}


async def read_lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[str]:
    """Yield the lines of a stream of bytes, however the bytes are split."""
    pending = b""
    async for chunk in chunks:
        *lines, pending = (pending + chunk).split(b"\n")
        if len(pending) > LINE_LIMIT:
            raise ProviderError("The model's server sent a line that has no end.")
        for line in lines:
            yield line.rstrip(b"\r").decode("utf-8", "replace")
    if pending:
        yield pending.decode("utf-8", "replace")


class StreamParser:
    """The state of one response while it is parsed."""

    def __init__(self) -> None:
        self.done = False
        self.finish_reason: str | None = None
        self.any_text = False

    def feed_line(self, line: str) -> Iterator[CompletionChunk]:
        """Yield the chunks in one line of the stream; raise ProviderError for an error in it."""
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "error":
            raise error_from(_json(value))
        if field != "data" or not value:
            return
        if value.strip() == "[DONE]":
            self.done = True
            return
        yield from self.feed_body(_json(value))

    def feed_body(self, body: Any) -> Iterator[CompletionChunk]:
        """Yield the chunks in one decoded event, or in a full response that was not streamed."""
        if not isinstance(body, dict):
            return
        if body.get("error"):
            raise error_from(body)
        usage = _usage(body.get("usage"))
        choices = body.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                usage = usage or _usage(choice.get("usage"))
                yield from self._choice(choice)
        if usage:
            yield CompletionChunk(usage=usage)

    def _choice(self, choice: dict[str, Any]) -> Iterator[CompletionChunk]:
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, dict):
            return
        content = _text(delta.get("content"))
        reasoning = _text(delta.get("reasoning") or delta.get("reasoning_content"))
        if content or reasoning:
            self.any_text = True
            yield CompletionChunk(content=content, reasoning=reasoning)
        reason = choice.get("finish_reason")
        if reason:
            self.finish_reason = _FINISH.get(str(reason), "stop")
            yield CompletionChunk(finish_reason=self.finish_reason)

    def check_end(self) -> None:
        """Raise ProviderError when the stream ended without a finish reason, or without text."""
        if self.finish_reason is None and not self.done:
            raise ProviderError("The model's server closed the stream too early.", "interrupted")
        if not self.any_text:
            raise ProviderError(
                "The model returned an empty answer; the prompt may exceed its context.",
                "empty_response",
            )


def error_from(body: Any) -> ProviderError:
    """Return the error in a server's response, in whichever of the usual shapes it comes."""
    error = body.get("error", body) if isinstance(body, dict) else body
    if isinstance(error, dict):
        detail = error.get("message") or error.get("type") or "an error without a message"
        code = error.get("code") or error.get("type") or "provider_error"
    else:
        detail = error or "an error without a message"
        code = "provider_error"
    text = " ".join(str(detail).replace("\x00", "").split())[:500]
    return ProviderError(f"The model's server says: {text}", str(code).replace("\x00", "")[:100])


def parse_body(body: bytes) -> Any:
    """Return the JSON of a full response; raise ProviderError."""
    return _json(body.decode("utf-8", "replace"))


def _text(value: Any) -> str:
    """Return text without NUL, which a model may send and PostgreSQL cannot store."""
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise ProviderError("The model's server sent something that is not JSON.") from None


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt = value.get("prompt_tokens")
    completion = value.get("completion_tokens")
    if not (isinstance(prompt, int) and isinstance(completion, int)):
        return None
    if not (0 <= prompt < _TOKENS_MAX and 0 <= completion < _TOKENS_MAX):
        return None
    return Usage(prompt, completion, prompt + completion)
