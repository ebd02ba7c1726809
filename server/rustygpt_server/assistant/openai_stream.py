"""Parser of the streaming responses of OpenAI-compatible servers.

Servers differ: `content: null` or a list of parts, no `[DONE]`, errors in the middle of a stream in
many shapes. The tests keep what is known of each.
"""

import json
from collections.abc import Iterator
from typing import Any, TypeGuard

from rustygpt_server.assistant.event_stream import RAW, ServerEvent
from rustygpt_server.assistant.model_text import CharacterJoiner, ReasoningSplitter, TextPart
from rustygpt_server.assistant.provider import CompletionChunk, ProviderError
from rustygpt_server.assistant.provider_errors import ended_early, error_from, error_from_text
from rustygpt_shared.models.messages import Usage

_TOKENS_MAX = 1 << 40
_REFUSAL_MAX = 2_000
_STOP = frozenset({"stop", "eos", "eos_token", "end_turn", "stop_sequence"})
_LENGTH = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})


class StreamParser:
    """The state of one response while it is parsed."""

    def __init__(self) -> None:
        self.done = False
        self.finish_reason: str | None = None
        self.any_text = False
        self._content = CharacterJoiner()
        self._reasoning = CharacterJoiner()
        self._splitter = ReasoningSplitter()
        self._refusal = ""
        self._failure: ProviderError | None = None

    def feed_event(self, event: ServerEvent) -> Iterator[CompletionChunk]:
        """Yield the chunks in one event; raise ProviderError for an error in it."""
        if event.data.strip() == "[DONE]":
            self.done = True
            return
        body = _json(event.data)
        if event.name == "error":
            raise error_from(event.data if body is None else body)
        if body is not None:
            yield from self.feed_body(body)
        elif event.name != RAW:
            raise ProviderError("The model's server sent something that is not JSON.")
        elif self.finish_reason is None and not self.done:
            raise error_from_text(event.data)

    def feed_body(self, body: Any) -> Iterator[CompletionChunk]:
        """Yield the chunks in one decoded event, or in a full response that was not streamed."""
        if not isinstance(body, dict):
            return
        if body.get("error") or ("choices" not in body and _has_words(body)):
            raise error_from(body)
        usage = _usage(body.get("usage"))
        choices = body.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict) and choice.get("index") in (None, 0):
                usage = usage or _usage(choice.get("usage"))
                yield from self._choice(choice)
                break
        if usage:
            yield CompletionChunk(usage=usage)

    def _choice(self, choice: dict[str, Any]) -> Iterator[CompletionChunk]:
        delta = choice.get("delta") or choice.get("message") or {}
        if not isinstance(delta, dict):
            return
        self._refusal = (self._refusal + _text(delta.get("refusal")))[:_REFUSAL_MAX]
        reasoning = _text(delta.get("reasoning")) or _text(delta.get("reasoning_content"))
        if reasoning := self._reasoning.feed(reasoning):
            yield from self._chunk(TextPart(reasoning=reasoning))
        for part in self._splitter.feed(self._content.feed(_text(delta.get("content")))):
            yield from self._chunk(part)
        if reason := choice.get("finish_reason"):
            yield from self._finish(str(reason))

    def _chunk(self, part: TextPart) -> Iterator[CompletionChunk]:
        self.any_text = True
        yield CompletionChunk(content=part.content, reasoning=part.reasoning)

    def _finish(self, reason: str) -> Iterator[CompletionChunk]:
        yield from self._rest()
        name = reason.lower()
        if name in _STOP or name in _LENGTH:
            self.finish_reason = "length" if name in _LENGTH else "stop"
            yield CompletionChunk(finish_reason=self.finish_reason)
        else:
            self.finish_reason = "error"
            self._failure = ended_early(reason)

    def _rest(self) -> Iterator[CompletionChunk]:
        """Yield the text that waited for what would follow."""
        if reasoning := self._reasoning.end():
            yield from self._chunk(TextPart(reasoning=reasoning))
        for part in (*self._splitter.feed(self._content.end()), *self._splitter.end()):
            yield from self._chunk(part)

    def end(self) -> Iterator[CompletionChunk]:
        """Yield the last chunks; raise ProviderError when the answer is not complete.

        It is not when it was refused, ended by another reason than its end or length, when the
        stream ended without a finish reason, or without text.
        """
        yield from self._rest()
        if self._failure:
            raise self._failure
        if self._refusal:
            words = " ".join(self._refusal.split())
            raise ProviderError(f"The model refuses: {words}", "refusal")
        if self.finish_reason is None and not self.done:
            raise ProviderError("The model's server closed the stream too early.", "interrupted")
        if not self.any_text:
            raise ProviderError(
                "The model returned an empty answer; the prompt may exceed its context.",
                "empty_response",
            )


def _has_words(body: dict[str, Any]) -> bool:
    """Return whether an object without choices is an error in one of the less usual shapes."""
    return bool(body.get("detail")) or isinstance(body.get("message"), str)


def parse_body(body: bytes) -> Any:
    """Return the JSON of a full response; None when it is not JSON."""
    return _json(body.decode("utf-8-sig", "replace"))


def _text(value: Any) -> str:
    """Return the text in a field: a string, or a list of parts of which some are text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(
            part["text"]
            for part in value
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return ""


def _json(text: str) -> Any:
    """Return decoded JSON, or None.

    Not msgspec: it refuses half a character (a lone surrogate), which servers send.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _usage(value: Any) -> Usage | None:
    if not isinstance(value, dict):
        return None
    prompt = value.get("prompt_tokens")
    completion = value.get("completion_tokens")
    if not (_is_count(prompt) and _is_count(completion)):
        return None
    return Usage(prompt, completion, prompt + completion)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _TOKENS_MAX
