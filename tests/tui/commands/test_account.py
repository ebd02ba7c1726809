"""setup, login, me, logout, sessions."""

import json
from pathlib import Path

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import LOGGED_IN, SESSION, TIME, USER, cookies

from rustygpt_shared.codec import decode
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


async def test_a_server_is_set_up_and_signed_in_to(server: FakeHttpServer, folders: Path) -> None:
    """The password comes from standard input; the session is kept for its owner only."""
    server.on("POST", "/api/setup", FakeResponse(201, UserResponse(USER)))
    server.on("POST", "/api/auth/login", LOGIN)
    words = ["setup", "--username", "ada", "--email", "ada@example.org", "--password-stdin"]
    ran = await rustygpt(*words, stdin="password-1\n")
    assert ran.code == 0
    assert "ada@example.org" in ran.out
    assert "signed in as ada" in ran.err
    assert decode(server.requests[0].body, dict)["password"] == "password-1"
    file = folders / "config" / "session.cookies"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_what_cannot_be_is_told_before_the_server_is_asked(server: FakeHttpServer) -> None:
    """A password too short is a mistake of usage."""
    words = ["setup", "--username", "a", "--email", "a@b", "--password-stdin"]
    ran = await rustygpt(*words, stdin="short")
    assert (ran.code, server.requests) == (2, [])
    assert "8 to 1,024 characters" in ran.err


async def test_a_login_may_be_piped(server: FakeHttpServer) -> None:
    """With `--json` its answer is an object, without the token."""
    server.on("POST", "/api/auth/login", LOGIN)
    ran = await rustygpt(
        "login", "--email", "ada", "--password-stdin", "--json", stdin="password-1\n"
    )
    assert ran.code == 0
    assert json.loads(ran.out)["user"]["username"] == "ada"
    assert "csrf" not in ran.out


@pytest.mark.parametrize("words", [["login"], ["login", "--email", "a", "--no-input"]])
async def test_without_a_person_a_missing_word_is_named(
    server: FakeHttpServer, words: list[str]
) -> None:
    """Nobody is asked; the flag to give is."""
    ran = await rustygpt(*words)
    assert (ran.code, server.requests) == (2, [])
    assert "give it with --" in ran.err


async def test_a_wrong_password_is_told(server: FakeHttpServer) -> None:
    """As the server says it, without advice to sign in."""
    refused = problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Wrong name or password.")
    server.on("POST", "/api/auth/login", refused)
    ran = await rustygpt("login", "--email", "ada", "--password-stdin", stdin="nope\n")
    assert ran.code == 4
    assert ran.err == "rustygpt: Wrong name or password.\n"


async def test_me_tells_who_and_where(signed_in: FakeHttpServer) -> None:
    """For a person, and as JSON."""
    signed_in.on("GET", "/api/auth/me", FakeResponse(body=Me(USER, SESSION)))
    ran = await rustygpt("me")
    assert (ran.code, ran.err) == (0, "")
    assert f"Server:       {signed_in.origin}\n" in ran.out
    ran = await rustygpt("me", "--json")
    assert json.loads(ran.out)["session"]["id"] == str(SESSION.id)


async def test_who_is_not_signed_in_is_told_how_to(server: FakeHttpServer) -> None:
    """Exit code 4, as a sentence or as JSON with the request id."""
    missing = problem(401, "RGP.AUTH.MISSING_SESSION", "You are not signed in.")
    server.on("GET", "/api/auth/me", missing)
    ran = await rustygpt("me")
    assert ran.code == 4
    assert ran.err == "rustygpt: You are not signed in; sign in with `rustygpt login`.\n"
    ran = await rustygpt("--json", "me")
    assert (ran.code, ran.out) == (4, "")
    told = json.loads(ran.err)["error"]
    assert (told["code"], told["request_id"]) == ("RGP.AUTH.MISSING_SESSION", "r-1")


async def test_several_accounts_live_side_by_side(server: FakeHttpServer) -> None:
    """`--account` chooses; the last one signed in counts without it."""
    server.on("POST", "/api/auth/login", LOGIN, FakeResponse(body=LOGGED_IN, headers=cookies(2)))
    server.on("GET", "/api/auth/me", FakeResponse(body=Me(USER)))
    for name in ("work", "home"):
        words = ["--account", name, "login", "--email", "ada", "--password-stdin"]
        assert (await rustygpt(*words, stdin="x")).code == 0
    await rustygpt("me")
    await rustygpt("me", "--account", "work")
    sent = [a.headers["cookie"] for a in server.requests if a.path == "/api/auth/me"]
    assert ["token-2" in sent[0], "token-1" in sent[1]] == [True, True]


async def test_logout_forgets(signed_in: FakeHttpServer, folders: Path) -> None:
    """At the server and here; quiet says nothing about it."""
    signed_in.on("POST", "/api/auth/logout", FakeResponse(body=Ok(ok=True)))
    ran = await rustygpt("logout", "--quiet")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert "token-1" not in (folders / "config" / "session.cookies").read_text()


async def test_sessions_are_listed_and_ended(signed_in: FakeHttpServer) -> None:
    """By the beginning of an id; what a client called itself cannot drive the terminal."""
    signed_in.on("GET", "/api/auth/sessions", FakeResponse(body=SessionList([OWN])))
    signed_in.on("DELETE", f"/api/auth/sessions/{OWN.id}", FakeResponse(204))
    ran = await rustygpt("sessions")
    assert ran.out == (
        f"{OWN.id}\tyes\t2026-01-02T03:04:05.678901Z\t2026-01-02T03:04:05.678901Z\t::1\tcurl[2J\n"
    )
    assert (await rustygpt("sessions", "revoke", str(OWN.id)[:13])).code == 0
    assert (await rustygpt("sessions", "revoke", "ffffffff")).code == 5
