"""The commands `setup`, `login`, `me`, `logout` and `sessions`."""

import json
from pathlib import Path

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import LOGGED_IN, SESSION, TIME, USER, cookies

from rustygpt_shared.codec import decode
from rustygpt_shared.models.identities import LinkedIdentities
from rustygpt_shared.models.users import Me, Ok, OwnSession, SessionList, UserResponse

LOGIN = FakeResponse(body=LOGGED_IN, headers=cookies(1))
OWN = OwnSession(
    SESSION.id,
    TIME,
    TIME,
    TIME,
    last_seen_at=TIME,
    user_agent="curl\x1b[2J",
    address="::1",
    current=True,
)


def _has_password(server: FakeHttpServer, has_password: bool) -> None:
    body = LinkedIdentities([], has_password)
    server.on("GET", "/api/auth/identities", FakeResponse(body=body))


async def test_setup_creates_the_administrator_and_signs_in(
    server: FakeHttpServer, folders: Path
) -> None:
    """The password is read from standard input; only the owner can read the session file."""
    server.on("POST", "/api/setup", FakeResponse(201, UserResponse(USER)))
    server.on("POST", "/api/auth/login", LOGIN)
    words = ["setup", "--username", "ada", "--email", "ada@example.org", "--password-stdin"]
    result = await rustygpt(*words, stdin="password-1\n")
    assert result.code == 0
    assert "ada@example.org" in result.out
    assert "signed in as ada" in result.err
    assert decode(server.requests[0].body, dict)["password"] == "password-1"
    file = folders / "config" / "session.cookies"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_invalid_input_is_rejected_without_a_request(server: FakeHttpServer) -> None:
    """A password that is too short is an error of usage."""
    words = ["setup", "--username", "ann", "--email", "a@b", "--password-stdin"]
    result = await rustygpt(*words, stdin="short")
    assert (result.code, server.requests) == (2, [])
    assert "8 to 1,024 characters" in result.err


async def test_a_login_can_be_scripted(server: FakeHttpServer) -> None:
    """With `--json` it prints an object, without the token."""
    server.on("POST", "/api/auth/login", LOGIN)
    result = await rustygpt(
        "login", "--email", "ada", "--password-stdin", "--json", stdin="password-1\n"
    )
    assert result.code == 0
    assert json.loads(result.out)["user"]["username"] == "ada"
    assert "csrf" not in result.out


@pytest.mark.parametrize("words", [["login"], ["login", "--email", "a", "--no-input"]])
async def test_without_a_terminal_a_missing_value_is_an_error(
    server: FakeHttpServer, words: list[str]
) -> None:
    """There is no prompt; the error names the option."""
    result = await rustygpt(*words)
    assert (result.code, server.requests) == (2, [])
    assert "give it with --" in result.err


@pytest.mark.parametrize("stdin", ["", "\n", "\ud800\n"])
async def test_a_password_that_cannot_be_read_is_an_error(
    server: FakeHttpServer, stdin: str
) -> None:
    """No request is sent without one, or with bytes that are not UTF-8."""
    result = await rustygpt("login", "--email", "ada", "--password-stdin", stdin=stdin)
    assert (result.code, server.requests) == (2, [])
    assert result.err.startswith("rustygpt: ")
    assert "standard input" in result.err.lower()


async def test_a_login_that_cannot_be_saved_is_an_error(
    server: FakeHttpServer, folders: Path
) -> None:
    """The account is printed; the exit code says that the next command is not signed in."""
    (folders / "config" / "session.cookies.lock").mkdir(parents=True)
    server.on("POST", "/api/auth/login", LOGIN)
    result = await rustygpt("login", "--email", "ada", "--password-stdin", stdin="password-1")
    assert result.code == 2
    assert "ada@example.org" in result.out
    assert "The session cannot be saved" in result.err


async def test_a_wrong_password_is_reported(server: FakeHttpServer) -> None:
    """The server's sentence is printed, without the advice to sign in."""
    rejected = problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Wrong name or password.")
    server.on("POST", "/api/auth/login", rejected)
    result = await rustygpt("login", "--email", "ada", "--password-stdin", stdin="nope\n")
    assert result.code == 4
    assert result.err == "rustygpt: Wrong name or password.\n"


async def test_me_shows_the_account_and_the_server(signed_in: FakeHttpServer) -> None:
    """As text, and as JSON."""
    signed_in.on("GET", "/api/auth/me", FakeResponse(body=Me(USER, SESSION)))
    result = await rustygpt("me")
    assert (result.code, result.err) == (0, "")
    assert f"Server:       {signed_in.origin}\n" in result.out
    result = await rustygpt("me", "--json")
    assert json.loads(result.out)["session"]["id"] == str(SESSION.id)


async def test_without_a_session_the_error_says_how_to_sign_in(server: FakeHttpServer) -> None:
    """The exit code is 4; the error is a sentence, or JSON with the request id."""
    missing = problem(401, "RGP.AUTH.MISSING_SESSION", "You are not signed in.")
    server.on("GET", "/api/auth/me", missing)
    result = await rustygpt("me")
    assert result.code == 4
    assert result.err == "rustygpt: You are not signed in; sign in with `rustygpt login`.\n"
    result = await rustygpt("--json", "me")
    assert (result.code, result.out) == (4, "")
    error = json.loads(result.err)["error"]
    assert (error["code"], error["request_id"]) == ("RGP.AUTH.MISSING_SESSION", "r-1")


async def test_several_accounts_can_be_signed_in(server: FakeHttpServer) -> None:
    """`--account` selects one; without it, the last one that signed in is used."""
    server.on("POST", "/api/auth/login", LOGIN, FakeResponse(body=LOGGED_IN, headers=cookies(2)))
    server.on("GET", "/api/auth/me", FakeResponse(body=Me(USER)))
    for name in ("work", "home"):
        words = ["--account", name, "login", "--email", "ada", "--password-stdin"]
        assert (await rustygpt(*words, stdin="x")).code == 0
    await rustygpt("me")
    await rustygpt("me", "--account", "work")
    cookie_headers = [r.headers["cookie"] for r in server.requests if r.path == "/api/auth/me"]
    assert "token-2" in cookie_headers[0]
    assert "token-1" in cookie_headers[1]


async def test_logout_deletes_the_session(signed_in: FakeHttpServer, folders: Path) -> None:
    """At the server and in the file; with --quiet nothing is printed."""
    signed_in.on("POST", "/api/auth/logout", FakeResponse(body=Ok(ok=True)))
    result = await rustygpt("logout", "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert "token-1" not in (folders / "config" / "session.cookies").read_text()


async def test_sessions_are_listed_and_ended(signed_in: FakeHttpServer) -> None:
    """By the beginning of an id; a hostile user agent cannot control the terminal."""
    signed_in.on("GET", "/api/auth/sessions", FakeResponse(body=SessionList([OWN])))
    signed_in.on("DELETE", f"/api/auth/sessions/{OWN.id}", FakeResponse(204))
    result = await rustygpt("sessions")
    assert result.out == (
        f"{OWN.id}\tyes\t2026-01-02T03:04:05.678901Z\t2026-01-02T03:04:05.678901Z\t::1\tcurl[2J\n"
    )
    assert (await rustygpt("sessions", "revoke", str(OWN.id)[:13])).code == 0
    assert (await rustygpt("sessions", "revoke", "ffffffff")).code == 5


async def test_the_password_can_be_changed_in_a_pipe(signed_in: FakeHttpServer) -> None:
    """Two lines: the current one and the new one; the new cookies are saved."""
    changed = FakeResponse(body=LOGGED_IN, headers=cookies(2))
    signed_in.on("POST", "/api/auth/password", changed)
    _has_password(signed_in, True)
    result = await rustygpt("password", "--password-stdin", stdin="password-1\npassword-2\n")
    assert (result.code, result.out) == (0, "")
    assert "Your password is changed" in result.err
    assert decode(signed_in.requests[-1].body, dict) == {
        "current_password": "password-1",
        "new_password": "password-2",
    }


async def test_a_first_password_is_one_line(signed_in: FakeHttpServer) -> None:
    """An account that a provider signs in has no current one."""
    changed = FakeResponse(body=LOGGED_IN, headers=cookies(2))
    signed_in.on("POST", "/api/auth/password", changed)
    _has_password(signed_in, False)
    result = await rustygpt("password", "--password-stdin", stdin="password-2\n")
    assert (result.code, result.out) == (0, "")
    assert "no password yet" in result.err
    assert decode(signed_in.requests[-1].body, dict) == {
        "current_password": "",
        "new_password": "password-2",
    }


async def test_a_wrong_current_password_is_tried_once(signed_in: FakeHttpServer) -> None:
    """It has the status of an expired session, but a refresh would not help."""
    refusal = problem(
        401,
        "RGP.AUTH.INVALID_CREDENTIALS",
        "The current password is wrong.",
        WWW_Authenticate="session",
    )
    signed_in.on("POST", "/api/auth/password", refusal)
    _has_password(signed_in, True)
    result = await rustygpt("password", "--password-stdin", stdin="password-1\npassword-2\n")
    assert (result.code, result.err) == (4, "rustygpt: The current password is wrong.\n")
    assert signed_in.request_count("POST", "/api/auth/password") == 1
