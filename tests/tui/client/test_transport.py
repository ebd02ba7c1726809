"""Requests, renewals and repetitions."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.samples import LOGGED_IN, cookies
from tests.support.wire_server import Asked, Reply, WireServer, problem, wire_server

from rustygpt_shared.models.users import Done, Setup
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import Failure, Refused, SignInNeeded, TimedOut, Unreachable

DEAD = problem(401, "RGP.AUTH.EXPIRED", "The session ended.", www_authenticate="session")
OLD = problem(401, "RGP.AUTH.INVALID_SESSION", "Old.", www_authenticate="refresh, session")
OK = Reply(body=Done(ok=True))


@pytest.fixture
async def server() -> AsyncIterator[WireServer]:
    """A server to be told what to answer."""
    async with wire_server() as running:
        yield running


@pytest.fixture
async def transport(server: WireServer) -> AsyncIterator[Transport]:
    """A transport that is signed in."""
    session = Session(server.origin)
    session.take([value for _, value in cookies(1)])
    made = Transport(session, answer_seconds=5)
    yield made
    await made.aclose()


async def test_a_request_that_changes_something_carries_the_csrf_token(
    server: WireServer, transport: Transport
) -> None:
    """And one that reads does not."""
    server.on("POST", "/x", OK)
    server.on("GET", "/x", OK)
    await transport.call("POST", "/x", Done, key="k-1")
    await transport.call("GET", "/x", Done, query={"a": "ä&b", "none": None})
    wrote, read = server.asked
    assert wrote.headers["cookie"] == "SESSION_ID=token-1; CSRF-TOKEN=csrf-1"
    assert wrote.headers["x-csrf-token"] == "csrf-1"
    assert wrote.headers["idempotency-key"] == "k-1"
    assert "x-csrf-token" not in read.headers
    assert read.query == {"a": "ä&b"}


async def test_a_rotation_is_followed(server: WireServer, transport: Transport) -> None:
    """The next request has the new cookies and the new token."""
    server.on("POST", "/x", Reply(body=Done(ok=True), headers=cookies(2)), OK)
    await transport.call("POST", "/x", Done)
    await transport.call("POST", "/x", Done)
    assert server.asked[1].headers["cookie"] == "SESSION_ID=token-2; CSRF-TOKEN=csrf-2"
    assert server.asked[1].headers["x-csrf-token"] == "csrf-2"


@pytest.mark.parametrize("refusal", [DEAD, OLD])
async def test_a_401_is_met_with_one_refresh_and_one_retry(
    server: WireServer, transport: Transport, refusal: Reply
) -> None:
    """Requests at the same time share the refresh."""

    def answer(asked: Asked) -> Reply:
        return OK if "token-2" in asked.headers["cookie"] else refusal

    server.on("GET", "/x", answer)
    server.on("POST", "/api/auth/refresh", Reply(body=LOGGED_IN, headers=cookies(2)))
    calls = [transport.call("GET", "/x", Done) for _ in range(3)]
    assert await asyncio.gather(*calls) == [Done(ok=True)] * 3
    assert server.counted("POST", "/api/auth/refresh") == 1


async def test_a_refresh_that_is_refused_ends_in_sign_in_needed(
    server: WireServer, transport: Transport
) -> None:
    """With what the server said, and no third try."""
    server.on("GET", "/x", DEAD)
    server.on("POST", "/api/auth/refresh", DEAD)
    with pytest.raises(SignInNeeded, match="The session ended") as caught:
        await transport.call("GET", "/x", Done)
    assert (caught.value.code, caught.value.request_id) == ("RGP.AUTH.EXPIRED", "r-1")
    assert len(server.asked) == 2


async def test_a_401_of_another_kind_is_final(server: WireServer, transport: Transport) -> None:
    """A wrong password is not retried."""
    server.on("POST", "/x", problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Wrong."))
    with pytest.raises(SignInNeeded):
        await transport.call("POST", "/x", Done)
    assert len(server.asked) == 1


async def test_another_terminals_refresh_is_used(server: WireServer, tmp_path: Path) -> None:
    """The file is looked at before a refresh is asked for."""
    file = SessionFile(tmp_path / "s")
    first, second = Session(server.origin, file=file), Session(server.origin, file=file)
    first.take([value for _, value in cookies(1)])
    first.start("ada")
    second.reload()
    first.take([value for _, value in cookies(2)])
    server.on("GET", "/x", lambda a: OK if "token-2" in a.headers["cookie"] else DEAD)
    transport = Transport(second)
    await transport.call("GET", "/x", Done)
    await transport.aclose()
    assert server.counted("POST", "/api/auth/refresh") == 0


async def test_what_may_be_repeated_is_repeated_once(
    server: WireServer, transport: Transport
) -> None:
    """A read, or a post with a key; another post may have happened and is not."""
    cut = Reply(cut=True)
    server.on("GET", "/x", cut, OK)
    server.on("POST", "/x", cut, OK)
    server.on("POST", "/y", cut, OK)
    await transport.call("GET", "/x", Done)
    await transport.call("POST", "/x", Done, key="k")
    keys = [a.headers.get("idempotency-key") for a in server.asked if a.method == "POST"]
    assert keys == ["k", "k"]
    with pytest.raises(Unreachable, match="broke off"):
        await transport.call("POST", "/y", Done)
    assert server.counted("POST", "/y") == 1


async def test_nobody_there_is_unreachable() -> None:
    """A refused connection is one sentence with the address."""
    async with wire_server() as gone:
        origin = gone.origin
    transport = Transport(Session(origin))
    with pytest.raises(Unreachable, match=f"Nothing answers at {origin}"):
        await transport.call("GET", "/api/setup", Setup)
    await transport.aclose()


async def test_no_answer_in_time_is_timed_out(server: WireServer) -> None:
    """The wait has an end."""
    never = asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        await never.wait()
        yield b""

    server.on("GET", "/x", lambda _: Reply(stream=silent()))
    transport = Transport(Session(server.origin), answer_seconds=0.2)
    with pytest.raises(TimedOut):
        await transport.call("GET", "/x", Done)
    await transport.aclose()
    never.set()


async def test_an_answer_of_another_shape_is_told(server: WireServer, transport: Transport) -> None:
    """It is no crash, and the sentence says what it may be."""
    server.on("GET", "/x", Reply(body=["what?"]))
    with pytest.raises(Refused, match="version"):
        await transport.call("GET", "/x", Done)


async def test_cookies_do_not_follow_a_redirect(server: WireServer, transport: Transport) -> None:
    """A server that points elsewhere gets an error, and elsewhere gets nothing."""
    async with wire_server() as elsewhere:
        elsewhere.on("GET", "/x", OK)
        server.on("GET", "/x", Reply(302, headers=[("location", elsewhere.origin + "/x")]))
        with pytest.raises(Failure):
            await transport.call("GET", "/x", Done)
        assert elsewhere.asked == []
