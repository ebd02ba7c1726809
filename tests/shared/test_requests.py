"""Request bodies are validated as they are decoded."""

from typing import get_args, get_type_hints

import msgspec
import pytest

from rustygpt_shared import codec, requests
from rustygpt_shared.text_rules import TextRule


def test_text_is_normalised_by_its_rule() -> None:
    """The decoded request has the title without surrounding and repeated spaces."""
    request = codec.decode(b'{"title": " a  b "}', requests.CreateConversation)

    assert request.title == "a b"
    assert request.assistant_mode is None


def test_unknown_fields_are_rejected() -> None:
    """A field that the request does not have is an error."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `author`"):
        codec.decode(b'{"content": "a", "author": "b"}', requests.PostMessage)


def test_text_that_breaks_a_rule_names_its_field() -> None:
    """The message of the error starts with the field's name."""
    with pytest.raises(msgspec.ValidationError, match="^content: a message needs some text$"):
        codec.decode(b'{"content": " "}', requests.PostMessage)


def test_absent_and_null_are_distinguished() -> None:
    """In a change, null removes a value and an absent field leaves it."""
    absent = codec.decode(b"{}", requests.UpdateConversation)
    null = codec.decode(b'{"model": null}', requests.UpdateConversation)

    assert absent.model is msgspec.UNSET
    assert null.model is None
    assert codec.encode(null) == b'{"model":null}'


def test_the_default_mode_of_a_group_is_mention() -> None:
    """Other conversations are answered always."""
    assert requests.default_assistant_mode(is_group=True) == "mention"
    assert requests.default_assistant_mode(is_group=False) == "always"


def _text_fields() -> list[tuple[type[requests.Request], str]]:
    """Return all fields of requests of `/api` that take a text; texts of `/v1` are not changed."""
    return [
        (shape, name)
        for shape in requests.Request.__subclasses__()
        if shape.__module__ == requests.__name__
        for name, hint in get_type_hints(shape).items()
        if hint is str or str in get_args(hint)
    ]


@pytest.mark.parametrize(
    ("shape", "field"), _text_fields(), ids=lambda value: getattr(value, "__name__", value)
)
def test_every_text_field_is_bounded_before_it_is_normalised(
    shape: type[requests.Request], field: str
) -> None:
    """Each has a TextRule, which checks the length first; unbounded work is not possible."""
    rule = shape.VALIDATORS[field]

    assert isinstance(rule, TextRule)
    with pytest.raises(ValueError, match=f"at most {rule.max_length:,} characters"):
        rule("\u0301" * (rule.max_length + 1))


def test_text_fields_are_found() -> None:
    """The test above sees plain, optional and removable texts."""
    names = {(shape.__name__, field) for shape, field in _text_fields()}

    assert {("SetUp", "username"), ("PostMessage", "model"), ("UpdateMe", "email")} <= names
    assert len(names) >= 20
