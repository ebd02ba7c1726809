"""The messages that a model gets."""

from typing import Any
from uuid import UUID

import pytest

from rustygpt_server.assistant.prompt import (
    build_messages,
    check_fits,
    estimate_tokens,
    from_a_question,
    prompt_limit,
)
from rustygpt_server.assistant.provider import ChatMessage, ProviderError
from rustygpt_server.db.answers import PromptContext, PromptMessage

ANN = PromptMessage("user", "hi", UUID(int=1), "Ann", "ann")
YES = PromptMessage("assistant", "yes?")
BOB = PromptMessage("user", "ho", UUID(int=2), "Bob", "bob")


def _sent(*messages: PromptMessage, system: str | None = None) -> list[tuple[str, str]]:
    built = build_messages(PromptContext("m", system, list(messages)))
    return [(message.role, message.content) for message in built]


def test_the_name_of_a_single_user_is_left_out() -> None:
    """The model needs no names in a conversation with one user."""
    assert _sent(ANN, YES, ANN) == [("user", "hi"), ("assistant", "yes?"), ("user", "hi")]


def test_messages_of_several_users_have_names() -> None:
    """The system prompt comes first and says so; each message begins with its author's name."""
    system, *rest = _sent(ANN, YES, BOB, system="Be.")
    assert system[0] == "system"
    assert system[1].startswith("Be.\n\n")
    assert "Several people" in system[1]
    assert rest == [("user", "Ann: hi"), ("assistant", "yes?"), ("user", "Bob: ho")]


def test_users_with_the_same_name_are_distinguished() -> None:
    """Display names are not unique: their user names are added."""
    other = PromptMessage("user", "I am not Ann", UUID(int=2), "Ann", "eve")
    _, *rest = _sent(ANN, YES, other)
    assert rest == [
        ("user", "Ann (ann): hi"),
        ("assistant", "yes?"),
        ("user", "Ann (eve): I am not Ann"),
    ]


def test_roles_alternate() -> None:
    """Messages of one role in a row become one: some chat templates reject them otherwise."""
    assert _sent(ANN, ANN, YES, YES, ANN) == [
        ("user", "hi\n\nhi"),
        ("assistant", "yes?\n\nyes?"),
        ("user", "hi"),
    ]


def test_a_cut_prompt_begins_with_a_question() -> None:
    """An answer whose question did not fit is left out, too, and counted."""
    cut = from_a_question(PromptContext("m", None, [YES, YES, ANN], 5))
    assert (cut.messages, cut.omitted) == ([ANN], 7)
    whole = PromptContext("m", None, [YES, ANN])
    assert from_a_question(whole) == whole


def test_without_a_question_there_is_no_prompt() -> None:
    """It was deleted before the model was asked."""
    with pytest.raises(ProviderError, match="deleted"):
        build_messages(PromptContext("m", "Be.", []))


@pytest.mark.parametrize(
    ("params", "limit"),
    [
        ({}, 750),
        ({"max_tokens": 100}, 900),
        ({"max_completion_tokens": 100, "max_tokens": 5}, 900),
        ({"max_tokens": 900}, 500),
        ({"max_tokens": -1}, 1_000),
        ({"max_tokens": "many"}, 750),
    ],
)
def test_the_prompt_leaves_space_for_the_answer(params: dict[str, Any], limit: int) -> None:
    """As much as it may be long, a quarter if that is not set, half of the context at most."""
    assert prompt_limit(1_000, params) == limit


def test_a_question_longer_than_the_context_is_refused() -> None:
    """Some servers would cut it without a word."""
    check_fits([ChatMessage("user", "x" * 396)], 103)
    with pytest.raises(ProviderError, match="about 103 tokens, more than the 102") as raised:
        check_fits([ChatMessage("user", "x" * 396)], 102)
    assert raised.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 0), ("x", 1), ("four", 1), ("fives", 2), ("日本語", 3), ("привет", 4)]
)
def test_the_token_estimate_is_rounded_up(text: str, tokens: int) -> None:
    """One token for every four ASCII characters, and for every three bytes of others."""
    assert estimate_tokens(text) == tokens
