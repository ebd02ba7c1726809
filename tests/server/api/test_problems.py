"""Exceptions as problem documents (RFC 9457)."""

import asyncio
from typing import Any

import msgspec
import pytest
from sanic import exceptions
from tests.support.database.failing_procedures import DIVISION_BY_ZERO, failing_procedure
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server import errors
from rustygpt_server.api.problems import problem_type_of, validation_failed
from rustygpt_shared import requests
from rustygpt_shared.problems import FieldError


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.Forbidden("x"), 403, "RGP.RBAC.FORBIDDEN"),
        (errors.NotFound("x"), 404, "RGP.NOT_FOUND"),
        (errors.Conflict("x"), 409, "RGP.CONFLICT"),
        (errors.ValidationFailed("x"), 422, "RGP.VALIDATION"),
        (errors.Unavailable("x"), 503, "RGP.UNAVAILABLE"),
        (errors.CsrfFailed("x"), 403, "RGP.AUTH.CSRF"),
        (errors.AccountDisabled("x"), 423, "RGP.AUTH.DISABLED"),
        (errors.UnsupportedMedia("x"), 415, "RGP.UNSUPPORTED_MEDIA"),
        (exceptions.NotFound("x"), 404, "RGP.NOT_FOUND"),
        (exceptions.PayloadTooLarge("x"), 413, "RGP.TOO_LARGE"),
        (exceptions.InvalidUsage("x"), 400, "RGP.BAD_REQUEST"),
        (exceptions.ServerError("x"), 500, "RGP.INTERNAL"),
        (KeyError("x"), 500, "RGP.INTERNAL"),
        (asyncio.CancelledError(), 500, "RGP.INTERNAL"),
    ],
)
def test_each_error_has_a_status_and_a_code(error: BaseException, status: int, code: str) -> None:
    """One table maps the exceptions of all layers."""
    problem = problem_type_of(error)

    assert (problem.status, problem.code) == (status, code)


@pytest.mark.parametrize("error", [KeyError("secret"), exceptions.SanicException("secret")])
def test_foreign_error_texts_are_not_shown(error: Exception) -> None:
    """Texts of the framework and of programming errors are not sent to clients."""
    assert "secret" not in (problem_type_of(error).detail or "secret")


@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (requests.CreateConversation, {}, "title"),
        (requests.CreateConversation, {"title": 7}, "title"),
        (requests.CreateConversation, {"title": "a", "more": 1}, "more"),
        (requests.CreateConversation, {"title": "  "}, "title"),
        (requests.PostMessage, {"content": "x", "role": "king"}, "role"),
        (requests.PostMessage, [], ""),
    ],
)
def test_an_invalid_field_is_named(model: Any, body: Any, field: str) -> None:
    """A form can show the message at the field that it is about."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(body, model)
    error_response = validation_failed(raised.value)

    assert error_response.errors is not None
    assert [field_error.field for field_error in error_response.errors] == [field]
    assert "`" not in error_response.errors[0].message


def test_the_detail_lists_all_field_errors() -> None:
    """One sentence repeats the field errors with their fields."""
    error = errors.ValidationFailed.of_fields(
        [FieldError("title", "is too long"), FieldError("", "and so on")]
    )

    assert str(error) == "title: is too long; and so on"


async def test_an_internal_error_shows_no_details(server: InProcessServer, superuser: Any) -> None:
    """The response has a request id, and the details are only in the log."""
    ann = await server.person("ann")
    async with failing_procedure(superuser, "search_users", DIVISION_BY_ZERO):
        response = await ann.call("GET", "/api/users?query=a", expect=500)

    problem = response.json()
    assert problem["code"] == "RGP.INTERNAL"
    assert "broken by a test" not in response.text
    assert "/" not in problem["detail"]
    assert problem["request_id"] == response.headers["x-request-id"]
