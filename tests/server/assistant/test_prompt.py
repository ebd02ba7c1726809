"""What a model is asked."""

from rustygpt_server.assistant.prompt import build_messages, character_limit, estimate_tokens
from rustygpt_server.assistant.provider import ChatMessage
from rustygpt_server.db.answers import PromptContext as Chain
from rustygpt_server.db.answers import PromptMessage


def test_one_person_is_not_named() -> None:
    """In a talk of two there is nobody to tell apart."""
    chain = Chain(
        "m", None, [PromptMessage("user", "hi", "ann"), PromptMessage("assistant", "yes?", None)]
    )

    assert build_messages(chain) == [ChatMessage("user", "hi"), ChatMessage("assistant", "yes?")]


def test_several_people_are_named() -> None:
    """The system prompt comes first, and each person's words with the name."""
    lines = [
        PromptMessage("user", "hi", "ann"),
        PromptMessage("assistant", "yes?", None),
        PromptMessage("user", "ho", "bob"),
    ]

    assert build_messages(Chain("m", "Be.", lines)) == [
        ChatMessage("system", "Be."),
        ChatMessage("user", "ann: hi"),
        ChatMessage("assistant", "yes?"),
        ChatMessage("user", "bob: ho"),
    ]


def test_room_is_left_for_the_answer() -> None:
    """A prompt takes three quarters of a model's context."""
    assert character_limit(1_000) == 3_000


def test_tokens_are_estimated_upwards() -> None:
    """A quarter of the characters, rounded up."""
    assert [estimate_tokens("x" * n) for n in (0, 1, 4, 5)] == [0, 1, 1, 2]
