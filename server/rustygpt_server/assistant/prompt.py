"""Prompts: from a message's chain of ancestors to the chat messages that a model gets."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from rustygpt_server.assistant.provider import ChatMessage, ProviderError
from rustygpt_server.db.answers import PromptContext as Chain
from rustygpt_server.db.answers import PromptMessage
from rustygpt_shared.models.messages import Usage

ANSWER_SHARE = 0.25
"""The share of a model's context that is reserved for the answer."""
MESSAGE_TOKENS = 4
"""What a chat template adds to each message, about."""
_MAX_TOKENS = ("max_completion_tokens", "max_tokens")
_SEVERAL_AUTHORS = (
    "Several people write in this conversation. Each of their messages begins with the name of its "
    "author and a colon. Write your own answers without such a name."
)


def prompt_limit(context_tokens: int, params: dict[str, Any]) -> int:
    """Return how many tokens a prompt may have for a model with this context.

    The answer gets the rest: as many as `params` limit it to, but half of the context at most.
    """
    named = next((params[name] for name in _MAX_TOKENS if isinstance(params.get(name), int)), None)
    reserve = int(context_tokens * ANSWER_SHARE) if named is None else named
    return context_tokens - max(0, min(reserve, context_tokens // 2))


def build_messages(chain: Chain) -> list[ChatMessage]:
    """Return the chat messages, oldest first; raise ProviderError when there is no question.

    With several authors, each message names its author. Messages of one role that follow each other
    become one, because the chat templates of some models require that roles alternate.
    """
    if not chain.messages:
        raise ProviderError("The question was deleted.", "question_deleted")
    names = _author_names(chain.messages)
    system = [chain.system_prompt] if chain.system_prompt else []
    if len(names) > 1:
        system.append(_SEVERAL_AUTHORS)
    messages = [ChatMessage("system", "\n\n".join(system))] if system else []
    for message in chain.messages:
        name = names.get(_author(message)) if message.role == "user" else None
        text = f"{name}: {message.content}" if name and len(names) > 1 else message.content
        last = messages[-1] if messages else None
        if last is not None and last.role == message.role != "system":
            messages[-1] = ChatMessage(last.role, f"{last.content}\n\n{text}")
        else:
            messages.append(ChatMessage(message.role, text))
    return messages


def from_a_question(chain: Chain) -> Chain:
    """Return a chain without its first answers if what they answer did not fit."""
    if not chain.omitted:
        return chain
    answers = 0
    while answers < len(chain.messages) and chain.messages[answers].role == "assistant":
        answers += 1
    return replace(chain, messages=chain.messages[answers:], omitted=chain.omitted + answers)


def _author_names(messages: Sequence[PromptMessage]) -> dict[object, str]:
    """Return the names of the authors by author, with the user name where two share a name."""
    authors = {
        _author(message): (message.author_name, message.username)
        for message in messages
        if message.role == "user" and message.author_name
    }
    counts = Counter(name for name, _ in authors.values())
    return {
        author: f"{name} ({username})" if counts[name] > 1 and username else str(name)
        for author, (name, username) in authors.items()
    }


def _author(message: PromptMessage) -> object:
    return message.author_user_id or message.author_name


def estimate_tokens(text: str) -> int:
    """Return an estimate of a text's tokens, for prompts and for providers that report none.

    Four ASCII characters, or one of three UTF-8 bytes, count as one token: cautious for English
    prose, about right for Chinese and Japanese. The procedure `estimate_tokens` is the same.
    """
    return (3 * len(text.encode("utf-8", "replace")) - len(text) + 7) // 8


def estimate_prompt(messages: Sequence[ChatMessage]) -> int:
    """Return an estimate of a prompt's tokens."""
    return sum(estimate_tokens(message.content) + MESSAGE_TOKENS for message in messages)


def estimated_usage(prompt_tokens: int, completion_tokens: int) -> Usage:
    """Return the usage of an answer whose model reported none, from estimates."""
    total = prompt_tokens + completion_tokens
    return Usage(prompt_tokens, completion_tokens, total, estimated=True)


def check_fits(messages: Sequence[ChatMessage], context_tokens: int) -> None:
    """Raise ProviderError when a prompt is too long, by estimate, for a context.

    Some servers cut such a prompt without saying so, and the model sees the end of it only.
    """
    tokens = estimate_prompt(messages)
    if tokens > context_tokens:
        raise ProviderError(
            f"The message has about {tokens:,} tokens, more than the {context_tokens:,} of the "
            "model's context; shorten it, or choose another model.",
            "context_length_exceeded",
        )
