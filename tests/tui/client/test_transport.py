"""Requests: headers, refreshing the session, retries and errors."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    RecordedRequest,
    fake_http_server,
    problem,
)
from tests.support.sample_models import LOGGED_IN, cookies

from rustygpt_shared.models.users import Ok, SetupStatus
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import (
    ClientError,
    NotSignedIn,
    RateLimited,
    ServerRejected,
    TimedOut,
    Unreachable,
)

EXPIRED = problem(401, "RGP.AUTH.EXPIRED", "The session ended.", www_authenticate="session")
SUPERSEDED = problem(401, "RGP.AUTH.INVALID_SESSION", "Old.", www_authenticate="refresh, session")
OK = FakeResponse(body=Ok(ok=True))


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A fake server."""
    async with fake_http_server() as running:
        yield running


@pytest.fixture
async def transport(server: FakeHttpServer) -> AsyncIterator[Transport]:
    """A signed-in transport."""
    session = Session(server.origin)
    session.store_cookies([value for _, value in cookies(1)])
    signed_in = Transport(session, response_timeout=5)
    yield signed_in
    await signed_in.aclose()


async def test_requests_that_change_something_send_the_csrf_token(
    server: FakeHttpServer, transport: Transport
) -> None:
    """Reading requests do not."""
    server.on("POST", "/x", OK)
    server.on("GET", "/x", OK)
    await transport.call("POST", "/x", Ok, key="k-1")
    await transport.call("GET", "/x", Ok, query={"a": "ä&b", "none": None})
    write, read = server.requests
    assert write.headers["cookie"] == "SESSION_ID=token-1; CSRF-TOKEN=csrf-1"
    assert write.headers["x-csrf-token"] == "csrf-1"
    assert write.headers["idempotency-key"] == "k-1"
    assert "x-csrf-token" not in read.headers
    assert read.query == {"a": "ä&b"}


async def test_a_rotation_is_used_by_the_next_request(
    server: FakeHttpServer, transport: Transport
) -> None:
    """With the new cookies and the new token."""
    server.on("POST", "/x", FakeResponse(body=Ok(ok=True), headers=cookies(2)), OK)
    await transport.call("POST", "/x", Ok)
    await transport.call("POST", "/x", Ok)
    assert server.requests[1].headers["cookie"] == "SESSION_ID=token-2; CSRF-TOKEN=csrf-2"
    assert server.requests[1].headers["x-csrf-token"] == "csrf-2"


@pytest.mark.parametrize("rejection", [EXPIRED, SUPERSEDED])
async def test_a_401_leads_to_one_refresh_and_one_retry(
    server: FakeHttpServer, transport: Transport, rejection: FakeResponse
) -> None:
    """Concurrent requests share the refresh."""

    def respond(request: RecordedRequest) -> FakeResponse:
        return OK if "token-2" in request.headers["cookie"] else rejection

    server.on("GET", "/x", respond)
    server.on("POST", "/api/auth/refresh", FakeResponse(body=LOGGED_IN, headers=cookies(2)))
    calls = [transport.call("GET", "/x", Ok) for _ in range(3)]
    assert await asyncio.gather(*calls) == [Ok(ok=True)] * 3
    assert server.request_count("POST", "/api/auth/refresh") == 1


async def test_a_rejected_refresh_is_not_signed_in(
    server: FakeHttpServer, transport: Transport
) -> None:
    """With the server's sentence, and no further attempt."""
    server.on("GET", "/x", EXPIRED)
    server.on("POST", "/api/auth/refresh", EXPIRED)
    with pytest.raises(NotSignedIn, match="The session ended") as caught:
        await transport.call("GET", "/x", Ok)
    assert (caught.value.code, caught.value.request_id) == ("RGP.AUTH.EXPIRED", "r-1")
    assert len(server.requests) == 2


async def test_another_401_is_not_retried(server: FakeHttpServer, transport: Transport) -> None:
    """A wrong password is not retried."""
    server.on("POST", "/x", problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Wrong."))
    with pytest.raises(NotSignedIn):
        await transport.call("POST", "/x", Ok)
    assert len(server.requests) == 1


async def test_the_refresh_of_another_terminal_is_used(
    server: FakeHttpServer, tmp_path: Path
) -> None:
    """The file is read before the session is refreshed."""
    file = SessionFile(tmp_path / "s")
    first = Session(server.origin, file=file)
    second = Session(server.origin, file=file)
    first.store_cookies([value for _, value in cookies(1)])
    first.save_as_current("ada")
    second.reload()
    first.store_cookies([value for _, value in cookies(2)])
    server.on("GET", "/x", lambda r: OK if "token-2" in r.headers["cookie"] else EXPIRED)
    transport = Transport(second)
    await transport.call("GET", "/x", Ok)
    await transport.aclose()
    assert server.request_count("POST", "/api/auth/refresh") == 0


async def test_idempotent_requests_are_repeated_once(
    server: FakeHttpServer, transport: Transport
) -> None:
    """A GET and a POST with a key are; another POST may have had an effect and is not."""
    cut = FakeResponse(cut=True)
    server.on("GET", "/x", cut, OK)
    server.on("POST", "/x", cut, OK)
    server.on("POST", "/y", cut, OK)
    await transport.call("GET", "/x", Ok)
    await transport.call("POST", "/x", Ok, key="k")
    keys = [r.headers.get("idempotency-key") for r in server.requests if r.method == "POST"]
    assert keys == ["k", "k"]
    with pytest.raises(Unreachable, match="broke off"):
        await transport.call("POST", "/y", Ok)
    assert server.request_count("POST", "/y") == 1


async def test_a_refused_connection_is_unreachable() -> None:
    """The error is one sentence with the address."""
    async with fake_http_server() as stopped:
        origin = stopped.origin
    transport = Transport(Session(origin))
    with pytest.raises(Unreachable, match=f"Nothing answers at {origin}"):
        await transport.call("GET", "/api/setup", SetupStatus)
    await transport.aclose()


async def test_a_late_response_is_timed_out(server: FakeHttpServer) -> None:
    """The wait is limited."""
    never = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        await never.wait()
        yield b""

    server.on("GET", "/x", lambda _: FakeResponse(stream=silent()))
    transport = Transport(Session(server.origin), response_timeout=0.2)
    with pytest.raises(TimedOut):
        await transport.call("GET", "/x", Ok)
    await transport.aclose()
    never.set()


async def test_a_response_of_another_form_is_reported(
    server: FakeHttpServer, transport: Transport
) -> None:
    """The error suggests that the versions differ."""
    server.on("GET", "/x", FakeResponse(body=["what?"]))
    with pytest.raises(ServerRejected, match="version"):
        await transport.call("GET", "/x", Ok)


async def test_cookies_do_not_follow_a_redirect(
    server: FakeHttpServer, transport: Transport
) -> None:
    """A redirect is an error, and its target gets no request."""
    async with fake_http_server() as elsewhere:
        elsewhere.on("GET", "/x", OK)
        server.on("GET", "/x", FakeResponse(302, headers=[("location", elsewhere.origin + "/x")]))
        with pytest.raises(ClientError):
            await transport.call("GET", "/x", Ok)
        assert elsewhere.requests == []


LIMITED = problem(429, "RGP.RATE_LIMITED", "Too many; try again in 1 second.", retry_after="1")
LONG = problem(429, "RGP.RATE_LIMITED", "Too many; try again in 61 seconds.", retry_after="61")


async def test_a_request_waits_as_long_as_the_server_says(server: FakeHttpServer) -> None:
    """Then it is sent again, the same; a second wait is announced like the first."""
    server.on("POST", "/x", LIMITED, LIMITED, OK)
    waits: list[tuple[str, float]] = []
    transport = Transport(
        Session(server.origin), on_wait=lambda text, seconds: waits.append((text, seconds))
    )
    await transport.call("POST", "/x", Ok, key="k")
    await transport.aclose()
    assert waits == [("Too many. Trying again in 1 s.", 1.0)] * 2
    assert [r.headers["idempotency-key"] for r in server.requests] == ["k"] * 3


async def test_a_long_wait_is_left_to_the_caller(
    server: FakeHttpServer, transport: Transport
) -> None:
    """Also one that a request may not make; the error says when to try again."""
    server.on("GET", "/x", LONG)
    with pytest.raises(RateLimited) as refused:
        await transport.call("GET", "/x", Ok)
    assert refused.value.retry_after == 61
    server.on("GET", "/y", LIMITED)
    with pytest.raises(RateLimited):
        await transport.call("GET", "/y", Ok, may_wait=False)
    with pytest.raises(RateLimited):
        await transport.call_no_content("GET", "/y", may_wait=False)
    assert len(server.requests) == 3
