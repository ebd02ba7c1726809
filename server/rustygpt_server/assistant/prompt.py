"""From a chain of messages to what a model is asked."""

from rustygpt_server.assistant.provider import ChatMessage
from rustygpt_server.db.answers import PromptContext as Chain

CHARACTERS_PER_TOKEN = 4
"""A cautious guess that holds for English prose; models count in tokens, we in characters."""
ANSWER_SHARE = 0.25
"""The part of a model's context that is left for the answer."""


def character_limit(context_tokens: int) -> int:
    """How much text fits into a prompt for a model of this size."""
    return int(context_tokens * CHARACTERS_PER_TOKEN * (1 - ANSWER_SHARE))


def build_messages(context: Chain) -> list[ChatMessage]:
    """The chat messages of a chain, oldest first; people are named when there are several."""
    people = {line.author_name for line in context.messages if line.role == "user"}
    turns = [ChatMessage("system", context.system_prompt)] if context.system_prompt else []
    for line in context.messages:
        named = line.role == "user" and line.author_name and len(people) > 1
        turns.append(
            ChatMessage(line.role, f"{line.author_name}: {line.content}" if named else line.content)
        )
    return turns


def estimate_tokens(text: str) -> int:
    """About how many tokens a text has, when nobody tells."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)
