"""Prompts for models in this process: the chat template of a model's file, or a plain format.

What people write is kept apart from the template: it can name the control tokens of a model, such
as `<|im_end|>`, and they stay text.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rustygpt_server.assistant.provider import ChatMessage, ProviderError

PLAIN_STOP = "\nUser:"
"""Where an answer in the plain format ends: the model writes the next question itself."""
_MARK = re.compile("\ue000([0-9]+)\ue001")

Render = Callable[[list[dict[str, str]]], str]
"""Returns a prompt by the model's template; raises for messages that it does not support."""


class Part(NamedTuple):
    """A part of a prompt."""

    text: str
    is_template: bool
    """True if it may contain control tokens."""


def template_parts(messages: Sequence[ChatMessage], render: Render) -> list[Part]:
    """Return the parts of a prompt by a template; raise ProviderError when it refuses them.

    Some templates know no system messages: then its text precedes the first question.
    """
    for attempt in (list(messages), _without_system(messages)):
        rendered = _rendered(attempt, render)
        if rendered is not None:
            return _split(rendered, attempt)
    raise ProviderError("The chat template of the model's file rejects this conversation.")


def _rendered(messages: Sequence[ChatMessage], render: Render) -> str | None:
    """Return a prompt with a mark for each message's content; None if the template refuses it."""
    marked = [
        {"role": message.role, "content": f"\ue000{index}\ue001"}
        for index, message in enumerate(messages)
    ]
    try:
        return render(marked)
    except Exception:  # noqa: BLE001 - the template is a program of the file's author
        return None


def _split(rendered: str, messages: Sequence[ChatMessage]) -> list[Part]:
    parts = []
    for position, text in enumerate(_MARK.split(rendered)):
        if position % 2 == 0:
            parts.append(Part(text, is_template=True))
        elif int(text) < len(messages):
            parts.append(Part(messages[int(text)].content, is_template=False))
    return [part for part in parts if part.text]


def _without_system(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    others = [m for m in messages if m.role != "system"]
    if system and others:
        others[0] = ChatMessage(others[0].role, f"{system}\n\n{others[0].content}")
    return others


def plain_parts(messages: Sequence[ChatMessage]) -> list[Part]:
    """Return the parts of a prompt for a model without a template."""
    lines = [f"{message.role.capitalize()}: {message.content}\n" for message in messages]
    return [Part("".join(lines) + "Assistant:", is_template=False)]
