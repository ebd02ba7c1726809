"""Signing in with a personal token: from the environment, and in the session file."""

from pathlib import Path

import pytest
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, fake_http_server

from rustygpt_shared.models.users import Ok
from rustygpt_tui.client.http import connect
from rustygpt_tui.client.session import Session, open_session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.errors import UsageError


def _open(
    tmp_path: Path, server: FakeHttpServer, token: str, account: str | None = None
) -> Session:
    file = SessionFile(tmp_path / "session.cookies")
    return open_session(
        server.origin, {"RUSTYGPT_TOKEN": token}, file=file, account=account, on_unsaved=print
    )


async def test_the_token_is_sent_and_cookies_are_not(tmp_path: Path) -> None:
    """The server's cookies are not kept, and the session file is not written."""
    async with fake_http_server() as server:
        cookie = [("Set-Cookie", "SESSION_ID=x; Path=/")]
        server.on("POST", "/api/auth/logout", FakeResponse(body=Ok(ok=True), headers=cookie))
        async with connect(server.origin, _open(tmp_path, server, " rgpt_x\n")) as client:
            for _ in range(2):
                await client.call("POST", "/api/auth/logout", Ok)
        sent = [request.headers for request in server.requests]

    assert {headers["authorization"] for headers in sent} == {"Bearer rgpt_x"}
    assert not any("cookie" in headers or "x-csrf-token" in headers for headers in sent)
    assert list(tmp_path.iterdir()) == []


async def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    """The saved session is used then."""
    async with fake_http_server() as server:
        assert _open(tmp_path, server, " ").token is None


async def test_a_token_that_no_header_can_carry_is_an_error_of_usage(tmp_path: Path) -> None:
    """And so is the choice of an account beside it."""
    async with fake_http_server() as server:
        for token in ("rgpt_a\r\nX: y", "rgpt_é", "x" * 300):
            with pytest.raises(UsageError, match="not a personal token"):
                _open(tmp_path, server, token)
        with pytest.raises(UsageError, match="unset it"):
            _open(tmp_path, server, "rgpt_x", account="ann")
