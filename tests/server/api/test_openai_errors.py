"""Exceptions as errors of `/v1`."""

import pytest

from rustygpt_server.api.openai_errors import is_openai, openai_error
from rustygpt_server.errors import (
    BudgetUsedUp,
    CsrfFailed,
    ModelFailed,
    Unavailable,
    ValidationFailed,
)
from rustygpt_shared.problems import BUDGET, FieldError

_FIELD = ValidationFailed.of_fields([FieldError("n", "x")])


@pytest.mark.parametrize(
    ("error", "kind", "param", "code"),
    [
        (ModelFailed("x", "unknown_model"), "invalid_request_error", "model", "model_not_found"),
        (ModelFailed("x", "interrupted"), "server_error", None, "interrupted"),
        (ModelFailed("x", BUDGET), "insufficient_quota", None, "insufficient_quota"),
        (BudgetUsedUp(5), "insufficient_quota", None, "insufficient_quota"),
        (CsrfFailed("x"), "permission_error", None, "RGP.AUTH.CSRF"),
        (Unavailable("x"), "server_error", None, "RGP.UNAVAILABLE"),
        (_FIELD, "invalid_request_error", "n", "invalid_value"),
        (ZeroDivisionError("secret"), "server_error", None, "RGP.INTERNAL"),
    ],
)
def test_an_exception_has_type_field_and_code(
    error: Exception, kind: str, param: str | None, code: str
) -> None:
    """An unexpected one says nothing about itself."""
    body = openai_error(error).error

    assert (body.type, body.param, body.code) == (kind, param, code)
    assert "secret" not in body.message


def test_only_addresses_of_v1_have_these_errors() -> None:
    """At both places, and with nothing behind them."""
    for path in ("/v1/models", "/api/v1/x", "/v1", "/api/v1"):
        assert is_openai(path)
    for path in ("/api/models", "/v10/models", "/", "/x/v1/models"):
        assert not is_openai(path)
