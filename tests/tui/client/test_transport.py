"""Requests, renewals and repetitions."""

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
from rustygpt_tui.errors import ClientError, NotSignedIn, ServerRejected, TimedOut, Unreachable

DEAD = problem(401, "RGP.AUTH.EXPIRED", "The session ended.", www_authenticate="session")
OLD = problem(401, "RGP.AUTH.INVALID_SESSION", "Old.", www_authenticate="refresh, session")
OK = FakeResponse(body=Ok(ok=True))


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A server to be told what to answer."""
    async with fake_http_server() as running:
        yield running


@pytest.fixture
async def transport(server: FakeHttpServer) -> AsyncIterator[Transport]:
    """A transport that is signed in."""
    session = Session(server.origin)
    session.store_cookies([value for _, value in cookies(1)])
    made = Transport(session, response_timeout=5)
    yield made
    await made.aclose()


async def test_a_request_that_changes_something_carries_the_csrf_token(
    server: FakeHttpServer, transport: Transport
) -> None:
    """And one that reads does not."""
    server.on("POST", "/x", OK)
    server.on("GET", "/x", OK)
    await transport.call("POST", "/x", Ok, key="k-1")
    await transport.call("GET", "/x", Ok, query={"a": "ä&b", "none": None})
    wrote, read = server.requests
    assert wrote.headers["cookie"] == "SESSION_ID=token-1; CSRF-TOKEN=csrf-1"
    assert wrote.headers["x-csrf-token"] == "csrf-1"
    assert wrote.headers["idempotency-key"] == "k-1"
    assert "x-csrf-token" not in read.headers
    assert read.query == {"a": "ä&b"}


async def test_a_rotation_is_followed(server: FakeHttpServer, transport: Transport) -> None:
    """The next request has the new cookies and the new token."""
    server.on("POST", "/x", FakeResponse(body=Ok(ok=True), headers=cookies(2)), OK)
    await transport.call("POST", "/x", Ok)
    await transport.call("POST", "/x", Ok)
    assert server.requests[1].headers["cookie"] == "SESSION_ID=token-2; CSRF-TOKEN=csrf-2"
    assert server.requests[1].headers["x-csrf-token"] == "csrf-2"


@pytest.mark.parametrize("refusal", [DEAD, OLD])
async def test_a_401_is_met_with_one_refresh_and_one_retry(
    server: FakeHttpServer, transport: Transport, refusal: FakeResponse
) -> None:
    """Requests at the same time share the refresh."""

    def answer(asked: RecordedRequest) -> FakeResponse:
        return OK if "token-2" in asked.headers["cookie"] else refusal

    server.on("GET", "/x", answer)
    server.on("POST", "/api/auth/refresh", FakeResponse(body=LOGGED_IN, headers=cookies(2)))
    calls = [transport.call("GET", "/x", Ok) for _ in range(3)]
    assert await asyncio.gather(*calls) == [Ok(ok=True)] * 3
    assert server.request_count("POST", "/api/auth/refresh") == 1


async def test_a_refresh_that_is_refused_ends_in_sign_in_needed(
    server: FakeHttpServer, transport: Transport
) -> None:
    """With what the server said, and no third try."""
    server.on("GET", "/x", DEAD)
    server.on("POST", "/api/auth/refresh", DEAD)
    with pytest.raises(NotSignedIn, match="The session ended") as caught:
        await transport.call("GET", "/x", Ok)
    assert (caught.value.code, caught.value.request_id) == ("RGP.AUTH.EXPIRED", "r-1")
    assert len(server.requests) == 2


async def test_a_401_of_another_kind_is_final(server: FakeHttpServer, transport: Transport) -> None:
    """A wrong password is not retried."""
    server.on("POST", "/x", problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Wrong."))
    with pytest.raises(NotSignedIn):
        await transport.call("POST", "/x", Ok)
    assert len(server.requests) == 1


async def test_another_terminals_refresh_is_used(server: FakeHttpServer, tmp_path: Path) -> None:
    """The file is looked at before a refresh is asked for."""
    file = SessionFile(tmp_path / "s")
    first, second = Session(server.origin, file=file), Session(server.origin, file=file)
    first.store_cookies([value for _, value in cookies(1)])
    first.save_as_current("ada")
    second.reload()
    first.store_cookies([value for _, value in cookies(2)])
    server.on("GET", "/x", lambda a: OK if "token-2" in a.headers["cookie"] else DEAD)
    transport = Transport(second)
    await transport.call("GET", "/x", Ok)
    await transport.aclose()
    assert server.request_count("POST", "/api/auth/refresh") == 0


async def test_what_may_be_repeated_is_repeated_once(
    server: FakeHttpServer, transport: Transport
) -> None:
    """A read, or a post with a key; another post may have happened and is not."""
    cut = FakeResponse(cut=True)
    server.on("GET", "/x", cut, OK)
    server.on("POST", "/x", cut, OK)
    server.on("POST", "/y", cut, OK)
    await transport.call("GET", "/x", Ok)
    await transport.call("POST", "/x", Ok, key="k")
    keys = [a.headers.get("idempotency-key") for a in server.requests if a.method == "POST"]
    assert keys == ["k", "k"]
    with pytest.raises(Unreachable, match="broke off"):
        await transport.call("POST", "/y", Ok)
    assert server.request_count("POST", "/y") == 1


async def test_nobody_there_is_unreachable() -> None:
    """A refused connection is one sentence with the address."""
    async with fake_http_server() as gone:
        origin = gone.origin
    transport = Transport(Session(origin))
    with pytest.raises(Unreachable, match=f"Nothing answers at {origin}"):
        await transport.call("GET", "/api/setup", SetupStatus)
    await transport.aclose()


async def test_no_answer_in_time_is_timed_out(server: FakeHttpServer) -> None:
    """The wait has an end."""
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


async def test_an_answer_of_another_shape_is_told(
    server: FakeHttpServer, transport: Transport
) -> None:
    """It is no crash, and the sentence says what it may be."""
    server.on("GET", "/x", FakeResponse(body=["what?"]))
    with pytest.raises(ServerRejected, match="version"):
        await transport.call("GET", "/x", Ok)


async def test_cookies_do_not_follow_a_redirect(
    server: FakeHttpServer, transport: Transport
) -> None:
    """A server that points elsewhere gets an error, and elsewhere gets nothing."""
    async with fake_http_server() as elsewhere:
        elsewhere.on("GET", "/x", OK)
        server.on("GET", "/x", FakeResponse(302, headers=[("location", elsewhere.origin + "/x")]))
        with pytest.raises(ClientError):
            await transport.call("GET", "/x", Ok)
        assert elsewhere.requests == []
