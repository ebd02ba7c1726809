"""Requests are checked as they are decoded."""

import msgspec
import pytest

from rustygpt_shared import codec, requests


def test_text_is_brought_into_its_kept_form() -> None:
    """What a rule trims is trimmed in the decoded request."""
    wanted = codec.decode(b'{"title": " a  b "}', requests.CreateConversation)

    assert wanted.title == "a b"
    assert wanted.assistant_mode is None


def test_unknown_fields_are_refused() -> None:
    """A field that no request has is an error, not a silence."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `author`"):
        codec.decode(b'{"content": "a", "author": "b"}', requests.PostMessage)


def test_a_broken_rule_names_its_field() -> None:
    """The message of a refused field starts with the field's name."""
    with pytest.raises(msgspec.ValidationError, match="^content: a message needs some text$"):
        codec.decode(b'{"content": " "}', requests.PostMessage)


def test_absent_and_null_are_told_apart() -> None:
    """In a change, null takes a value away and an absent field leaves it."""
    absent = codec.decode(b"{}", requests.UpdateConversation)
    null = codec.decode(b'{"model": null}', requests.UpdateConversation)

    assert absent.model is msgspec.UNSET
    assert null.model is None
    assert codec.encode(null) == b'{"model":null}'
