"""The exceptions that requests are rejected with."""

import pytest

from rustygpt_server import errors
from rustygpt_server.errors import RequestError


@pytest.mark.parametrize(
    "error_class", RequestError.__subclasses__(), ids=lambda error_class: error_class.__name__
)
def test_each_request_error_has_a_status_and_a_code(error_class: type[RequestError]) -> None:
    """The values are those of the contract's table; a failed model has its own codes."""
    if error_class is errors.ModelFailed:
        assert error_class.status == 502
        return
    assert 400 <= error_class.status < 500 or error_class is errors.Unavailable
    assert error_class.code.startswith("RGP.")


def test_the_text_of_a_request_error_is_its_detail() -> None:
    """The detail is the sentence that a person reads."""
    error = errors.NotSignedIn("Sign in first.", "RGP.AUTH.MISSING_SESSION")

    assert str(error) == error.detail == "Sign in first."
    assert error.challenge == "session"
