"""Exceptions as problems."""

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
def test_each_error_has_its_place(error: BaseException, status: int, code: str) -> None:
    """One table for all layers."""
    kind = problem_type_of(error)

    assert (kind.status, kind.code) == (status, code)


@pytest.mark.parametrize("error", [KeyError("secret"), exceptions.SanicException("secret")])
def test_what_we_did_not_write_is_not_shown(error: Exception) -> None:
    """Texts of the framework and of mistakes stay inside."""
    assert "secret" not in (problem_type_of(error).detail or "secret")


@pytest.mark.parametrize(
    ("shape", "body", "field"),
    [
        (requests.CreateConversation, {}, "title"),
        (requests.CreateConversation, {"title": 7}, "title"),
        (requests.CreateConversation, {"title": "a", "more": 1}, "more"),
        (requests.CreateConversation, {"title": "  "}, "title"),
        (requests.PostMessage, {"content": "x", "role": "king"}, "role"),
        (requests.PostMessage, [], ""),
    ],
)
def test_a_field_that_does_not_fit_is_named(shape: Any, body: Any, field: str) -> None:
    """So that a form can show the words where they belong."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.convert(body, shape)
    told = validation_failed(raised.value)

    assert told.errors is not None
    assert [error.field for error in told.errors] == [field]
    assert "`" not in told.errors[0].message


def test_words_name_their_field() -> None:
    """Beside the list there is one sentence."""
    told = errors.ValidationFailed.of_fields(
        [FieldError("title", "is too long"), FieldError("", "and so on")]
    )

    assert str(told) == "title: is too long; and so on"


async def test_a_mistake_of_the_server_tells_nothing(
    server: InProcessServer, superuser: Any
) -> None:
    """The answer has an id, the log has the rest."""
    ann = await server.person("ann")
    async with failing_procedure(superuser, "search_users", DIVISION_BY_ZERO):
        answer = await ann.call("GET", "/api/users?query=a", expect=500)

    told = answer.json()
    assert told["code"] == "RGP.INTERNAL"
    assert "broken by a test" not in answer.text
    assert "/" not in told["detail"]
    assert told["request_id"] == answer.headers["x-request-id"]
