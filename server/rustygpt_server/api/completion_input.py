"""From a request for a chat completion to what it is generated from; what cannot be is refused."""

from collections.abc import Iterator
from typing import Any, Final

from rustygpt_server.assistant.completions import CompletionInput
from rustygpt_server.assistant.provider import ChatMessage
from rustygpt_server.errors import ValidationFailed
from rustygpt_shared.chat_completions import (
    PASSED_ON,
    ChatCompletionRequest,
    CompletionMessage,
    unknown_fields,
)
from rustygpt_shared.problems import FieldError
from rustygpt_shared.requests import PostMessage

_ROLES: Final = {"developer": "system"}
"""Many model servers do not know the role `developer`."""


def input_of(request: ChatCompletionRequest) -> CompletionInput:
    """Return what a completion is generated from; raise ValidationFailed."""
    _check_supported(request)
    return CompletionInput(
        request.model,
        [
            ChatMessage(_ROLES.get(message.role, message.role), _text(message, index))
            for index, message in enumerate(request.messages)
        ],
        dict(_passed_on(request)),
        _stops(request),
    )


def question_of(request: ChatCompletionRequest) -> PostMessage:
    """Return the message that is posted in a conversation: the last one; raise ValidationFailed."""
    _check_supported(request)
    index = len(request.messages) - 1
    if request.messages[index].role != "user":
        raise _refused(f"messages[{index}].role", "the last message has to be the user's question")
    try:
        return PostMessage(_text(request.messages[index], index), model=request.model)
    except ValueError as error:
        raise _refused(f"messages[{index}]", str(error)) from None


def warnings_of(request: ChatCompletionRequest, body: bytes, *, is_stored: bool) -> list[str]:
    """Return what of a request has no effect, one sentence for each field."""
    warnings = [f"{name} is not known here and had no effect." for name in unknown_fields(body)]
    if is_stored:
        names = [name for name, _ in _passed_on(request)]
        warnings += [f"{name} has no effect in a conversation." for name in names]
        if len(request.messages) > 1:
            warnings.append("Only the last one of messages was used: the thread has the others.")
    return warnings


def _check_supported(request: ChatCompletionRequest) -> None:
    """Raise ValidationFailed for what this server does not have."""
    refused = {
        "n": (request.n not in (None, 1), "only one choice is generated"),
        "tools": (bool(request.tools), "there are no tools here"),
        "functions": (bool(request.functions), "there are no functions here"),
        "modalities": (request.modalities not in (None, [], ["text"]), "there is only text here"),
        "audio": (request.audio is not None, "there is only text here"),
        "logprobs": (bool(request.logprobs), "there are no probabilities here"),
        "top_logprobs": (bool(request.top_logprobs), "there are no probabilities here"),
    }
    for name, (is_refused, reason) in refused.items():
        if is_refused:
            raise _refused(name, reason)


def _text(message: CompletionMessage, index: int) -> str:
    """Return the text of a message; raise ValidationFailed for anything else."""
    place = f"messages[{index}]"
    if message.role in ("tool", "function"):
        raise _refused(f"{place}.role", "there are no tools here")
    if message.content is None:
        raise _refused(f"{place}.content", "the message has no text")
    if isinstance(message.content, str):
        return message.content
    for number, part in enumerate(message.content):
        if part.type != "text" or part.text is None:
            raise _refused(f"{place}.content[{number}]", "only parts of the type text are accepted")
    return "".join(part.text or "" for part in message.content)


def _passed_on(request: ChatCompletionRequest) -> Iterator[tuple[str, Any]]:
    values = ((name, getattr(request, name)) for name in PASSED_ON)
    return ((name, value) for name, value in values if value is not None)


def _stops(request: ChatCompletionRequest) -> tuple[str, ...]:
    stop = request.stop or ()
    return (stop,) if isinstance(stop, str) else tuple(stop)


def _refused(field: str, message: str) -> ValidationFailed:
    return ValidationFailed.of_fields([FieldError(field, message)])
