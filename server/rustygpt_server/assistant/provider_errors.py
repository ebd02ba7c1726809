"""Errors of model servers, in whichever of their many shapes they come, as one sentence."""

import re
from typing import Any

from rustygpt_server.assistant.provider import ContextExceeded, ProviderError

_WORDS_MAX = 500
_CODE_MAX = 100
_DEPTH_MAX = 4
_ITEMS_MAX = 3
_NAMES = (
    *("message", "msg", "error_description", "error", "detail", "details", "errors"),
    *("title", "reason", "type", "code"),
)
"""Where the words are, the best place first."""
_CONTEXT_CODES = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_CONTEXT_WORDS = re.compile(
    r"maximum context length|maximum model length|longer than the model's context"
    r"|context length of only|exceeds? (the )?(available )?context (size|window|length)",
    re.IGNORECASE,
)
"""What OpenAI, vLLM, LM Studio and llama.cpp say about a prompt that is too long."""
_CONTEXT_SIZE = re.compile(
    r"(?:maximum (?:context|model) length (?:is|of)|context length of only) (\d{1,9})\b",
    re.ASCII | re.IGNORECASE,
)
_CONTEXT_MAX = 1 << 30


def error_from(body: Any, status: int | None = None) -> ProviderError:
    """Return the error in a decoded body: an object, a list or a text.

    The sentence has the server's own words, and the HTTP status when there is one.
    """
    words = " ".join(_words(body, _DEPTH_MAX).split())[:_WORDS_MAX]
    suffix = f" (HTTP {status})" if status else ""
    detail = f"The model's server says: {words or 'an error without a message'}{suffix}"
    code = _code(body)
    if code in _CONTEXT_CODES or _CONTEXT_WORDS.search(words):
        return ContextExceeded(detail, code, _context_size(body, words))
    return ProviderError(detail, code)


def _context_size(body: Any, words: str) -> int | None:
    """Return the size of the context that was exceeded: a field of llama.cpp, or in the words."""
    error = _error_of(body)
    size = error.get("n_ctx") if isinstance(error, dict) else None
    if isinstance(size, int) and not isinstance(size, bool) and 0 < size <= _CONTEXT_MAX:
        return size
    found = _CONTEXT_SIZE.search(words)
    return (int(found[1]) or None) if found else None


def error_from_text(text: str, status: int | None = None) -> ProviderError:
    """Return the error in a body that is no JSON: its words, unless it is a page for browsers."""
    is_page = text.lstrip().startswith("<")
    return error_from("" if is_page else text, status)


def ended_early(reason: str) -> ProviderError:
    """Return the error for a finish reason that is no normal end."""
    shown = "".join(c for c in reason if c.isprintable())[:60]
    name = shown.lower()
    if any(word in name for word in ("filter", "safety", "prohibited", "blocklist", "recitation")):
        detail = "The model's server withheld the rest of the answer"
    elif name in ("abort", "aborted", "cancel", "cancelled", "canceled"):
        detail = "The model's server stopped the answer"
    elif name in ("tool_calls", "function_call"):
        detail = "The model asked for a tool, and there are none here"
    else:
        detail = "The model's server ended the answer before it was complete"
    return ProviderError(f"{detail} ({shown}).", name[:_CODE_MAX] or "provider_error")


def _words(value: Any, depth: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or depth == 0:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(item, depth - 1) for item in value[:_ITEMS_MAX])))
    if isinstance(value, dict):
        found = (_words(value.get(name), depth - 1) for name in _NAMES)
        return next(filter(None, found), "")
    return ""


def _error_of(body: Any) -> Any:
    error = body[0] if isinstance(body, list) and body else body
    return error.get("error", error) if isinstance(error, dict) else error


def _code(body: Any) -> str:
    """Return the code or type of an error, `provider_error` when it has none."""
    error = _error_of(body)
    found = (error.get("code") or error.get("type")) if isinstance(error, dict) else None
    is_simple = isinstance(found, str | int) and not isinstance(found, bool)
    return str(found)[:_CODE_MAX] if is_simple else "provider_error"
