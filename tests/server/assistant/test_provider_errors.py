"""The words of model servers' errors."""

from typing import Any

import pytest

from rustygpt_server.assistant.provider import ContextExceeded
from rustygpt_server.assistant.provider_errors import error_from, error_from_text


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "model not loaded"},
        {"detail": [{"loc": ["body"], "msg": "model not loaded", "type": "x"}]},
        {"error": "model not loaded"},
        {"error": {"message": "model not loaded"}},
        {"error": {"error": {"message": "model not loaded"}}},
        {"errors": ["model not loaded"]},
        {"message": "model not loaded"},
        [{"error": {"message": "model not loaded"}}],
        "model not loaded",
    ],
)
def test_the_servers_words_and_the_status_are_shown(body: Any) -> None:
    """Whatever the shape is."""
    assert error_from(body, 422).detail == "The model's server says: model not loaded (HTTP 422)"


def test_an_error_message_is_one_short_line() -> None:
    """Line breaks and control characters are removed, and long messages are cut."""
    error = error_from({"error": {"message": "a\n\x00 b" * 500, "code": 7}})

    assert "\n" not in error.detail
    assert "\x00" not in error.detail
    assert len(error.detail) < 600
    assert error.code == "7"


@pytest.mark.parametrize("body", [{}, [], None, True, {"error": {}}, {"error": {"code": []}}])
def test_an_error_without_words_says_so(body: Any) -> None:
    """The status is shown all the same."""
    error = error_from(body, 500)

    assert error.detail == "The model's server says: an error without a message (HTTP 500)"
    assert error.code == "provider_error"


def test_a_nested_error_is_read_to_a_depth() -> None:
    """Deeper ones are not searched."""
    body: Any = "words"
    for _ in range(2_000):
        body = {"error": body}

    assert "without a message" in error_from(body).detail


def test_plain_text_is_shown_and_a_page_is_not() -> None:
    """A proxy answers with HTML."""
    assert error_from_text("no luck", 500).detail.endswith("no luck (HTTP 500)")
    assert error_from_text("<html>bad gateway", 502).detail.endswith("message (HTTP 502)")


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (
            {
                "error": {
                    "message": "This model's maximum context length is 8192 tokens. However, your "
                    "messages resulted in 9001 tokens.",
                    "code": "context_length_exceeded",
                }
            },
            8_192,
        ),
        (
            {
                "error": {
                    "code": 400,
                    "type": "exceed_context_size_error",
                    "message": "the request exceeds the available context size",
                    "n_prompt_tokens": 9_001,
                    "n_ctx": 4_096,
                }
            },
            4_096,
        ),
        ({"error": {"message": "too long", "code": "context_length_exceeded"}}, None),
        (
            {
                "object": "error",
                "message": "The decoder prompt (length 9001) is longer than the maximum model "
                "length of 2048. Make sure that it is shorter.",
                "type": "BadRequestError",
                "code": 400,
            },
            2_048,
        ),
        (
            {"error": "The model is loaded with context length of only 4096 tokens"},
            4_096,
        ),
        ({"error": {"message": "request exceeds context size", "n_ctx": -1}}, None),
        ({"error": {"message": "maximum context length is 0 tokens"}}, None),
        ({"error": {"message": "maximum context length is 99999999999999999999"}}, None),
    ],
)
def test_an_exceeded_context_is_an_error_of_its_own(body: Any, size: int | None) -> None:
    """OpenAI, llama.cpp, vLLM and LM Studio each say it in their way, most with the size."""
    error = error_from(body, 400)

    assert isinstance(error, ContextExceeded)
    assert error.context_tokens == size


def test_other_errors_are_not_about_the_context() -> None:
    """The word alone does not count."""
    for words in ("no such model", "context canceled", "maximum number of requests is 5"):
        assert not isinstance(error_from({"error": words}), ContextExceeded)


def test_half_a_character_in_an_error_is_replaced() -> None:
    """It cannot be encoded, so the end of the answer could not be stored."""
    error = error_from({"error": {"message": "bad \ud800 word", "code": "c\udfff"}})

    assert error.detail.endswith("bad \ufffd word")
    assert error.code == "c\ufffd"
    assert str(error) == error.detail
