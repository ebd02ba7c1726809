"""The words of model servers' errors."""

from typing import Any

import pytest

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
