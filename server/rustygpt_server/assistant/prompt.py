"""Prompts: from a message's chain of ancestors to the chat messages that a model gets."""

from rustygpt_server.assistant.provider import ChatMessage
from rustygpt_server.db.answers import PromptContext as Chain

CHARACTERS_PER_TOKEN = 4
"""A cautious estimate that holds for English prose: models count tokens, we count characters."""
ANSWER_SHARE = 0.25
"""The share of a model's context that is reserved for the answer."""


def character_limit(context_tokens: int) -> int:
    """Return how many characters a prompt may have for a model with this context."""
    return int(context_tokens * CHARACTERS_PER_TOKEN * (1 - ANSWER_SHARE))


def build_messages(context: Chain) -> list[ChatMessage]:
    """Return the chat messages, oldest first.

    With several authors, each message names its author.
    """
    authors = {m.author_name for m in context.messages if m.role == "user"}
    messages = [ChatMessage("system", context.system_prompt)] if context.system_prompt else []
    for message in context.messages:
        content = message.content
        if message.role == "user" and message.author_name and len(authors) > 1:
            content = f"{message.author_name}: {content}"
        messages.append(ChatMessage(message.role, content))
    return messages


def estimate_tokens(text: str) -> int:
    """Return an estimate of a text's tokens, for providers that report none."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
