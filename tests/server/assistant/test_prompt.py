"""The messages that a model gets."""

from rustygpt_server.assistant.prompt import build_messages, character_limit, estimate_tokens
from rustygpt_server.assistant.provider import ChatMessage
from rustygpt_server.db.answers import PromptContext, PromptMessage


def test_the_name_of_a_single_user_is_left_out() -> None:
    """The model needs no names in a conversation with one user."""
    context = PromptContext(
        "m", None, [PromptMessage("user", "hi", "ann"), PromptMessage("assistant", "yes?", None)]
    )

    assert build_messages(context) == [ChatMessage("user", "hi"), ChatMessage("assistant", "yes?")]


def test_messages_of_several_users_have_names() -> None:
    """The system prompt comes first, and each user message begins with its author's name."""
    messages = [
        PromptMessage("user", "hi", "ann"),
        PromptMessage("assistant", "yes?", None),
        PromptMessage("user", "ho", "bob"),
    ]

    assert build_messages(PromptContext("m", "Be.", messages)) == [
        ChatMessage("system", "Be."),
        ChatMessage("user", "ann: hi"),
        ChatMessage("assistant", "yes?"),
        ChatMessage("user", "bob: ho"),
    ]


def test_the_prompt_leaves_space_for_the_answer() -> None:
    """A prompt may fill three quarters of a model's context."""
    assert character_limit(1_000) == 3_000


def test_the_token_estimate_is_rounded_up() -> None:
    """One token is estimated for every four characters."""
    assert [estimate_tokens("x" * n) for n in (0, 1, 4, 5)] == [0, 1, 1, 2]
