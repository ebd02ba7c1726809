"""Refusals of the server itself."""

import pytest

from rustygpt_server import errors
from rustygpt_server.errors import RequestError


@pytest.mark.parametrize("kind", RequestError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_each_refusal_has_a_status_and_a_code(kind: type[RequestError]) -> None:
    """Of the contract's table."""
    assert 400 <= kind.status < 500 or kind is errors.Unavailable
    assert kind.code.startswith("RGP.")


def test_a_refusal_says_its_words() -> None:
    """The detail is what a person reads."""
    refusal = errors.NotSignedIn("Sign in first.", "RGP.AUTH.MISSING_SESSION")

    assert str(refusal) == refusal.detail == "Sign in first."
    assert refusal.challenge == "session"
