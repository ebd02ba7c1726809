"""The commands below `tokens`, and signing in with a token."""

import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import TIME, USER

from rustygpt_shared.codec import decode
from rustygpt_shared.models.tokens import CreatedToken, PersonalToken, TokenList
from rustygpt_shared.models.users import Me

ID = UUID("01890000-0000-7000-8000-000000000001")
TOKEN = PersonalToken(
    id=ID, name="ci\x1b[2J", scopes=["read"], created_at=TIME, expires_at=TIME + timedelta(days=1)
)


async def test_a_new_token_is_all_of_the_output(signed_in: FakeHttpServer) -> None:
    """A script takes it from standard output; the note goes to standard error."""
    created = CreatedToken(id=ID, name="ci", scopes=["read"], created_at=TIME, token="rgpt_x")
    signed_in.on("POST", "/api/auth/tokens", FakeResponse(201, created))
    words = ["tokens", "create", "ci", "--scope", "read", "--scope", "write", "--expires", "60"]
    result = await rustygpt(*words)
    assert (result.code, result.out) == (0, "rgpt_x\n")
    assert "cannot be shown again" in result.err
    body = decode(signed_in.requests[0].body, dict)
    assert body == {"name": "ci", "scopes": ["read", "write"], "expires_in_seconds": 60}
    assert json.loads((await rustygpt(*words, "--json")).out)["token"] == "rgpt_x"


async def test_tokens_are_listed(signed_in: FakeHttpServer) -> None:
    """`tokens` alone is the list; names cannot control the terminal."""
    signed_in.on("GET", "/api/auth/tokens", FakeResponse(body=TokenList([TOKEN])))
    result = await rustygpt("tokens")
    assert result.code == 0
    assert result.out.split("\t")[:3] == [str(ID), "ci[2J", "read"]


async def test_a_token_is_revoked_by_id_or_name(signed_in: FakeHttpServer) -> None:
    """A name is looked up in the list."""
    signed_in.on("GET", "/api/auth/tokens", FakeResponse(body=TokenList([TOKEN])))
    signed_in.on("DELETE", f"/api/auth/tokens/{ID}", FakeResponse(204))
    for text in (str(ID), "01890000", TOKEN.name):
        assert (await rustygpt("tokens", "revoke", text)).code == 0
    assert signed_in.request_count("DELETE", f"/api/auth/tokens/{ID}") == 3
    assert (await rustygpt("tokens", "revoke", "other")).code == 5


async def test_the_environment_signs_every_command_in(
    server: FakeHttpServer, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a session file; a refused token is said as it is."""
    monkeypatch.setenv("RUSTYGPT_TOKEN", "rgpt_x")
    refused = problem(401, "RGP.AUTH.INVALID_SESSION", "This personal token is not known.")
    server.on("GET", "/api/auth/me", FakeResponse(body=Me(USER)), refused)
    assert (await rustygpt("me")).code == 0
    result = await rustygpt("me")
    assert result.code == 4
    assert "rustygpt login" not in result.err
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer rgpt_x"}
    assert not (folders / "config").exists()


async def test_signing_in_beside_the_environment_is_an_error_of_usage(
    server: FakeHttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new session would not be used."""
    monkeypatch.setenv("RUSTYGPT_TOKEN", "rgpt_x")
    for words in (["login", "--email", "ada", "--password-stdin"], ["logout"], ["setup"]):
        result = await rustygpt(*words, stdin="password-1\n")
        assert (result.code, server.requests) == (2, [])
        assert "RUSTYGPT_TOKEN" in result.err


async def test_a_token_is_saved_as_a_session(server: FakeHttpServer, folders: Path) -> None:
    """`logout` deletes it here only; a refused one changes nothing."""
    refused = problem(401, "RGP.AUTH.INVALID_SESSION", "This personal token is not known.")
    server.on("GET", "/api/auth/me", FakeResponse(body=Me(USER)), FakeResponse(body=Me(USER)),
        refused, FakeResponse(body=Me(USER)))  # fmt: skip
    assert (await rustygpt("login", "--token-stdin", stdin="rgpt_good\n")).code == 0
    assert (await rustygpt("me")).code == 0
    assert (await rustygpt("login", "--token-stdin", stdin="rgpt_bad\n")).code == 4
    assert (await rustygpt("me")).code == 0
    assert server.requests[-1].headers["authorization"] == "Bearer rgpt_good"
    file = folders / "config" / "session.cookies"
    assert file.stat().st_mode & 0o777 == 0o600
    count = len(server.requests)
    assert (await rustygpt("logout")).code == 0
    assert (len(server.requests), "rgpt_good" in file.read_text()) == (count, False)


async def test_a_token_excludes_a_password(server: FakeHttpServer) -> None:
    """And standard input has to hold one."""
    both = await rustygpt("login", "--token-stdin", "--password-stdin", stdin="x\n")
    none = await rustygpt("login", "--token-stdin", stdin="")
    assert (both.code, none.code, server.requests) == (2, 2, [])
