"""The client against a hostile server: nothing grows without bound, all ends in one sentence."""

import asyncio
import itertools
import sys
import tracemalloc
import zlib
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.support.fakes.hostile_server import HostileServer, Script, hostile_server
from tests.support.sample_models import TEA, cookies

from rustygpt_shared.models.users import Ok
from rustygpt_tui.client.bounded import MAX_BODY_BYTES, MAX_EVENT_BYTES
from rustygpt_tui.client.feed import Disconnected, follow
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import ClientError, ServerRejected, TimedOut, Unreachable

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
PIECE = 65_536
MAX_SENT = 4 * MAX_BODY_BYTES
"""More than the limit and all buffers between the two ends."""


def chunk(data: bytes) -> bytes:
    """Return a chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def endless(head: bytes, part: bytes) -> Script:
    """Return a script that sends a head, and then a chunk without end."""
    return lambda: itertools.chain([head + b"\r\n"], itertools.repeat(chunk(part)))


def zeros_in_gzip() -> Iterator[bytes]:
    """Yield chunks of a compressed body of 4 GB, which are 4 MB."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    yield HEAD + b"content-encoding: gzip\r\n\r\n"
    for _ in range(256):
        if data := compressor.compress(bytes(16 << 20)):
            yield chunk(data)


def nothing_in_gzip() -> Iterable[bytes]:
    """Return chunks of a compressed body that never decompresses to a byte."""
    start = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS).flush(zlib.Z_SYNC_FLUSH)
    empty_blocks = chunk(b"\x00\x00\x00\xff\xff" * 10_000)
    head = HEAD + b"content-encoding: gzip\r\n\r\n" + chunk(start)
    return itertools.chain([head], itertools.repeat(empty_blocks))


def whole(body: bytes, *more: bytes) -> Script:
    """Return a script of one response with further header lines."""
    lines = b"\r\n".join((b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *more))
    return lambda: [lines + b"\r\n\r\n" + body]


@pytest.fixture
async def server() -> AsyncIterator[HostileServer]:
    """A hostile server."""
    async with hostile_server() as running:
        yield running


@pytest.fixture
async def transport(server: HostileServer) -> AsyncIterator[Transport]:
    """A signed-in transport to it."""
    session = Session(server.origin)
    session.store_cookies([value for _, value in cookies(1)])
    signed_in = Transport(session, response_timeout=60)
    yield signed_in
    await signed_in.aclose()


@pytest.mark.parametrize(
    "script",
    [
        endless(HEAD, b"[" * PIECE),
        endless(HEAD.replace(b"200", b"500"), b"x" * PIECE),
        endless(HEAD.replace(b"200", b"401"), b"x" * PIECE),
        lambda: itertools.chain(
            [b"HTTP/1.1 200 OK\r\ncontent-length: 999999999999\r\n\r\n"],
            itertools.repeat(b" " * PIECE),
        ),
        zeros_in_gzip,
        nothing_in_gzip,
    ],
    ids=["body", "error", "sign-in", "length", "bomb", "empty-bomb"],
)
async def test_an_endless_body_is_not_read_to_its_end(
    server: HostileServer, transport: Transport, script: Script
) -> None:
    """What is read and what is allocated stays within a few times the limit."""
    server.script = script
    tracemalloc.start()
    try:
        with pytest.raises(ServerRejected, match="more than any response"):
            await transport.call("GET", "/x", Ok)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert server.sent < MAX_SENT
    assert peak < 8 * MAX_BODY_BYTES


@pytest.mark.parametrize(
    "script",
    [
        whole(b"[" * 1_000_000),
        whole(b'{"ok":' * 100_000),
        whole(b"\xff\xfe"),
        whole(b'{"ok":true}', b"content-encoding: br"),
        whole(b'{"ok":true}', b"content-encoding: gzip"),
        whole(zlib.compress(b'{"ok":true}')[:8], b"content-encoding: gzip"),
    ],
    ids=["deep", "deep-object", "not-utf-8", "br", "not-gzip", "other-gzip"],
)
async def test_a_body_that_is_no_response_of_ours_is_an_error(
    server: HostileServer, transport: Transport, script: Script
) -> None:
    """Its sentence says to compare the versions."""
    server.script = script
    with pytest.raises(ServerRejected, match="does not understand"):
        await transport.call("GET", "/x", Ok)


async def test_a_compressed_response_is_read(server: HostileServer, transport: Transport) -> None:
    """A server may compress; the client asks for gzip only."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    body = compressor.compress(b'{"ok":true}') + compressor.flush()
    server.script = whole(body, b"content-encoding: gzip")
    assert (await transport.call("GET", "/x", Ok)).ok
    assert server.header_of("accept-encoding") == ["gzip"]


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (lambda: itertools.chain([HEAD], itertools.repeat(b"a: b\r\n")), Unreachable),
        (lambda: itertools.chain([HEAD + b"a: "], itertools.repeat(b"b" * 1_000)), Unreachable),
        (lambda: [b"SSH-2.0-OpenSSH_9.0\r\n\r\n"], Unreachable),
        (lambda: [b"HTTP/1.1 99999999 X\r\n\r\n"], Unreachable),
        (lambda: [HEAD + b"\r\nzz\r\n"], Unreachable),
    ],
    ids=["headers", "header", "no-http", "status", "chunk"],
)
async def test_a_head_without_an_end_or_of_another_kind_is_an_error(
    server: HostileServer, transport: Transport, script: Script, kind: type[ClientError]
) -> None:
    """The HTTP library bounds the head."""
    server.script = script
    with pytest.raises(kind):
        await transport.call("POST", "/x", Ok)
    assert server.sent < MAX_BODY_BYTES


SLOW_HEADS: list[Script] = [
    lambda: itertools.chain([HEAD], itertools.repeat(b"a: b\r\n")),
    lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"),
]


@pytest.fixture
async def impatient(server: HostileServer) -> AsyncIterator[Transport]:
    """A transport that waits 0.2 s for each part, and 0.8 s for a response."""
    transport = Transport(Session(server.origin), response_timeout=0.2)
    yield transport
    await transport.aclose()


@pytest.mark.parametrize("script", [endless(HEAD, b" "), *SLOW_HEADS])
async def test_a_trickle_ends_with_the_time_for_a_whole_response(
    server: HostileServer, impatient: Transport, script: Script
) -> None:
    """Each part comes in time for the limit of one wait."""
    server.script, server.pause = script, 0.02
    with pytest.raises(TimedOut):
        await impatient.call("GET", "/x", Ok)


@pytest.mark.parametrize("script", SLOW_HEADS)
async def test_a_trickle_in_the_head_of_a_stream_ends_the_connection(
    server: HostileServer, impatient: Transport, script: Script
) -> None:
    """The feed connects again, as with a server that does not answer."""
    server.script, server.pause = script, 0.02
    assert "did not answer in time" in await anext(follow_once(impatient))


async def follow_once(transport: Transport) -> AsyncIterator[str]:
    """Yield the error of the first connection of a feed; raise one that ends the feed."""
    async with aclosing(follow(transport, TEA, "evt_1", silence_seconds=20)) as items:
        async for item in items:
            if isinstance(item, Disconnected):
                yield item.reason


@pytest.mark.parametrize(
    "script",
    [
        endless(EVENTS + b"transfer-encoding: chunked\r\n", b"x" * PIECE),
        endless(EVENTS + b"transfer-encoding: chunked\r\n", b"data: x\n" * 8_192),
        endless(EVENTS + b"transfer-encoding: chunked\r\n", b"data: x\r\n" * 8_192),
        endless(EVENTS.replace(b"200", b"503") + b"transfer-encoding: chunked\r\n", b"x" * PIECE),
    ],
    ids=["line", "event", "event-crlf", "error"],
)
async def test_an_endless_event_ends_the_feed(
    server: HostileServer, transport: Transport, script: Script
) -> None:
    """It is an error, and not a reason to connect again."""
    server.script = script
    tracemalloc.start()
    try:
        with pytest.raises(ServerRejected, match="more than any response or event"):
            await anext(follow_once(transport))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert server.sent < 4 * MAX_EVENT_BYTES
    assert peak < 16 * MAX_EVENT_BYTES, "a list of a million short lines needs more than its text"
    assert len(server.requests) == 1


@pytest.mark.parametrize("line", [b"content-encoding: gzip", b"content-encoding: deflate"])
async def test_a_compressed_stream_ends_the_feed(
    server: HostileServer, transport: Transport, line: bytes
) -> None:
    """The client does not ask for it."""
    server.script = lambda: [EVENTS + line + b"\r\n\r\n"]
    with pytest.raises(ServerRejected):
        await anext(follow_once(transport))
    assert server.header_of("accept-encoding") == ["identity"]


async def test_many_events_and_comments_are_no_large_event(
    server: HostileServer, transport: Transport
) -> None:
    """The size counts from the last blank line, also when that is split over two parts."""
    frames = b"".join(b": %b\r\n\r\n" % (b"x" * 99_000) for _ in range(200))
    parts = [frames[i : i + 65_537] for i in range(0, len(frames), 65_537)]
    head = EVENTS + b"content-length: %d\r\n\r\n" % len(frames)
    server.script = lambda: [head, *parts]
    assert len(frames) > 2 * MAX_EVENT_BYTES
    assert await anext(follow_once(transport)) == "The server closed the stream."


@pytest.mark.parametrize("charset", [b"zlib", b"hex", b"utf-7", b"idna", b"nonsense"])
async def test_the_encoding_that_a_stream_names_is_not_used(
    server: HostileServer, transport: Transport, charset: bytes
) -> None:
    """Some of Python's encodings decompress, or are no encodings of text."""
    frame = b'id: evt_7\nevent: x\ndata: {"type":"x"}\n\n'
    head = EVENTS.replace(b"stream", b"stream; charset=" + charset)
    head += b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(frame)
    server.script = lambda: [head + frame]
    reasons = follow_once(transport)
    assert [await anext(reasons), await anext(reasons)] == ["The server closed the stream."] * 2
    await reasons.aclose()  # type: ignore[attr-defined]
    assert server.header_of("last-event-id")[1] == "evt_7"


@pytest.mark.parametrize("bad", ["évt_8", "evt 8", "evt_8\x00", "", "x" * 129, "a:b,c"])
async def test_an_id_that_no_header_can_carry_is_not_used(
    server: HostileServer, transport: Transport, bad: str
) -> None:
    """The next connection continues after the last usable one."""
    frames = f"id: evt_7\ndata: {{}}\n\nid: {bad}\ndata: {'[' * 100_000}\n\n".encode()
    head = EVENTS + b"connection: close\r\ncontent-length: %d\r\n\r\n" % len(frames)
    server.script = lambda: [head + frames]
    reasons = follow_once(transport)
    await anext(reasons)
    await anext(reasons)
    await reasons.aclose()  # type: ignore[attr-defined]
    assert server.header_of("last-event-id") == ["evt_1", "evt_7"]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(
    server: HostileServer, transport: Transport, status: int
) -> None:
    """Cookies, the CSRF token and the text of a post never reach another address."""
    async with hostile_server() as other:
        location = f"location: {other.origin}/x".encode()
        server.script = lambda: [
            b"HTTP/1.1 %d Moved\r\ncontent-length: 0\r\n%b\r\n\r\n" % (status, location)
        ]
        for method in ("GET", "POST"):
            with pytest.raises(ServerRejected, match=str(status)):
                await transport.call(method, "/x", Ok)
        with pytest.raises(ServerRejected, match=str(status)):
            await anext(follow_once(transport))
        assert other.requests == []
    assert len(server.requests) == 3


async def test_cookies_without_end_are_not_kept(server: HostileServer) -> None:
    """Neither very long ones nor very many."""
    session = Session(server.origin)
    for number in range(100):
        session.store_cookies([f"C{number}=x", f"D{number}={'x' * 5_000}"])
    assert len(session.header() or "") < 1_000


# VmHWM begins again with the program; ru_maxrss also has what the test's own process takes.
MEASURED = """
import resource, sys
from pathlib import Path
from rustygpt_tui.cli import run
code = run(sys.argv[1:])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
status = Path("/proc/self/status")
if status.exists():
    peak = next(line.split()[1] for line in status.open() if line.startswith("VmHWM"))
print(peak, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize(
    ("words", "script"),
    [
        (["me"], endless(HEAD, b"[" * PIECE)),
        (["me"], zeros_in_gzip),
        (
            ["follow", "--conversation", str(TEA), "--since", "evt_1"],
            endless(EVENTS + b"transfer-encoding: chunked\r\n", b"x" * PIECE),
        ),
    ],
    ids=["body", "bomb", "event"],
)
async def test_a_command_ends_with_one_sentence_and_little_memory(
    server: HostileServer, words: list[str], script: Script, tmp_path: Path
) -> None:
    """`follow` once took 1.6 GB in 12 seconds."""
    server.script = script
    command = (sys.executable, "-c", MEASURED, "--server", server.origin, *words)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    sentence, kilobytes = err.decode().splitlines()
    assert (process.returncode, out) == (1, b"")
    assert sentence.startswith(f"rustygpt: {server.origin} sent more than any response")
    assert int(kilobytes) < 250_000
