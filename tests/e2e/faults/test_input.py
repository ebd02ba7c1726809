"""Input of any kind: cursors, bodies and texts, and what streams make of them."""

import asyncio
import re
from urllib.parse import quote_from_bytes

import httpx
import hypothesis
import pytest
from hypothesis import HealthCheck, strategies
from tests.support.clients.raw_http import raw_connection
from tests.support.servers.in_process_server import HttpUser, InProcessServer, sse_lines

from rustygpt_shared.ids import event_number

pytestmark = pytest.mark.slow

LAST = 6
any_bytes = strategies.one_of(
    strategies.binary(max_size=40),
    strategies.integers(-(1 << 70), 1 << 70).map(lambda n: f"evt_{n}".encode()),
    strategies.integers(0, 2 * LAST).map(lambda n: f"evt_{n}".encode()),
    strategies.text(max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass")),
    strategies.sampled_from([b"x" * 4_000, b"evt_", b"evt_1, evt_2", b"evt_01", b"null"]),
).filter(lambda sent: not set(b"\r\n\x00") & set(sent))
forgeries = strategies.lists(
    strategies.sampled_from(
        [
            "\r",
            "\n",
            "\r\n\r\n",
            "\u2028",
            "\x85",
            "\x0b",
            "id: evt_99",
            "event: stream.closed",
            "data: {}",
            ":",
            "retry: 1",
            "\ufeff",
            "\x1b[2J",
            "\u202e",
            "</script>",
            "🦀",
            "e\u0301",
        ]
    ),
    min_size=1,
).map("".join)


def _settings(examples: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=examples, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )


@pytest.fixture
async def ann(server: InProcessServer) -> HttpUser:
    """A user with an account."""
    return await server.person("ann")


@pytest.fixture
async def conversation_id(ann: HttpUser) -> str:
    """A conversation of three threads: six events."""
    conversation_id = await ann.conversation()
    for number in range(LAST // 2):
        await ann.root(conversation_id, f"{number}")
    return conversation_id


def _last_text(seen: str) -> bytes:
    """Return the last text of a stream's first part, for a cursor."""
    number = event_number(seen)
    if not seen or number == LAST:
        return b'"last_event_id":"evt_%d"}}\n\n' % LAST
    if number is not None and number < LAST:
        return b"\nid: evt_%d\nevent: message" % LAST
    return b'"reason":"unknown"'


async def _opened(
    running: InProcessServer, person: HttpUser, path: str, until: bytes, *headers: bytes
) -> bytes:
    """Return what a stream sends up to a text; its status has to be 200 for any cursor."""
    cookies = "; ".join(f"{k}={v}" for k, v in person.client.cookies.items())
    start = [f"GET {path} HTTP/1.1".encode(), b"Host: x", f"Cookie: {cookies}".encode()]
    async with raw_connection(running.url) as connection, asyncio.timeout(60):
        await connection.send(b"\r\n".join([*start, *headers, b"", b""]))
        assert (await connection.reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200 ")
        return await connection.reader.readuntil(until)


def _numbers(said: bytes) -> list[int]:
    """Return the numbers of the durable events in a stream's bytes."""
    return [int(found) for found in re.findall(rb"id: evt_(\d+)\nevent: (?!stream)", said)]


@_settings(120)
@hypothesis.given(sent=any_bytes)
async def test_any_cursor_leads_to_events_or_a_reset(
    server: InProcessServer, ann: HttpUser, conversation_id: str, sent: bytes
) -> None:
    """A cursor in the header or the query never leads to an error status."""
    path = f"/api/stream/conversations/{conversation_id}"
    seen = sent.decode("utf-8", "surrogateescape").strip()
    header = await _opened(server, ann, path, _last_text(seen), b"Last-Event-ID: " + sent)
    asked = sent.decode("utf-8", "replace")
    query = f"{path}?last_event_id={quote_from_bytes(asked.encode())}"
    by_query = await _opened(server, ann, query, _last_text(asked))

    for said, cursor in ((header, event_number(seen)), (by_query, event_number(asked))):
        first = LAST if cursor is None or cursor > LAST else cursor
        assert _numbers(said) == list(range(first + 1, LAST + 1))
        assert b"event: stream.reset" not in said or not _numbers(said)


@_settings(60)
@hypothesis.given(text=forgeries)
async def test_no_text_becomes_a_field_of_a_stream(
    server: InProcessServer, ann: HttpUser, conversation_id: str, text: str
) -> None:
    """Line ends of every kind stay within the text, which is returned as it was sent."""
    shown = await ann.get(f"/api/conversations/{conversation_id}")
    since = shown["last_event_id"]
    content = f"<{text}>"
    posted = await ann.root(conversation_id, content)
    path = f"/api/stream/conversations/{conversation_id}?last_event_id={since}"
    async with ann.client.stream("GET", path) as answer, asyncio.timeout(60):
        received: list[str] = []
        async for line in sse_lines(answer):
            received += [line] if line else []
            if line.startswith('data: {"type":"message.new"'):
                break
    stored = await ann.get(f"/api/messages/{posted}")

    assert [line.partition(":")[0] for line in received] == ["retry", *["id", "event", "data"] * 3]
    assert stored["content"] == content


@_settings(100)
@hypothesis.given(text=strategies.text(max_size=60))
async def test_text_is_returned_as_it_was_sent_or_refused(
    server: InProcessServer, ann: HttpUser, conversation_id: str, text: str
) -> None:
    """Messages, titles and names follow one rule each; no text is a server error."""
    headers = {"X-CSRF-TOKEN": ann.csrf}
    path = f"/api/threads/{conversation_id}/root"
    answer = await ann.client.post(path, json={"content": text}, headers=headers)
    allowed = bool(text.rstrip()) and "\x00" not in text
    assert answer.status_code == (201 if allowed else 422), answer.text
    if allowed:
        stored = await ann.get(f"/api/messages/{answer.json()['message_id']}")
        assert stored["content"] == text.rstrip()
    for place, body in (
        (f"/api/conversations/{conversation_id}", {"title": text}),
        ("/api/auth/me", {"display_name": text}),
    ):
        changed = await ann.client.patch(place, json=body, headers=headers)
        assert changed.status_code in {200, 204, 422}, changed.text
    key = {"Idempotency-Key": re.sub(r"[\x00-\x1f\x7f]", "", text).strip().encode()}
    by_key = await ann.client.post(path, json={"content": "x"}, headers={**headers, **key})
    assert by_key.status_code in {201, 400, 409}, by_key.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"content":"' + b"x" * 65_537 + b'"}', 422),
        (b'{"content":"' + b"x" * (1 << 20) + b'"}', 413),
        (b'{"content":"' + b"x" * (10 << 20) + b'"}', 413),
        (b'{"content":' + b"[" * 100_000, 422),
        (b'{"content":' + b'{"a":' * 100_000, 422),
        (b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 422),
        (b'{"content":1e999}', 422),
        (b'{"content":NaN}', 400),
        (b'{"content":"\\u0000"}', 422),
        (b'{"content":"\\ud800"}', 422),
        (b'{"content":"\xed\xa0\x80"}', 400),
        (b'\xef\xbb\xbf{"content":"x"}', 400),
        (b'{"content":"x","content":"y"}', 201),
    ],
    ids=range(13),
)
async def test_an_unusable_body_is_refused(
    server: InProcessServer, ann: HttpUser, conversation_id: str, body: bytes, status: int
) -> None:
    """Too large, too deep, not JSON, not text: each has its status, and the server continues."""
    headers = {"X-CSRF-TOKEN": ann.csrf, "Content-Type": "application/json"}
    path = f"/api/threads/{conversation_id}/root"
    try:
        answer = await ann.client.post(path, content=body, headers=headers)
        assert answer.status_code == status, answer.text[:300]
    except (httpx.WriteError, httpx.ReadError):
        assert status == 413  # it was answered before all of it was taken
    await ann.root(conversation_id, "after")


async def test_the_largest_message_streams(
    server: InProcessServer, ann: HttpUser, conversation_id: str
) -> None:
    """65,536 characters that take six bytes each in JSON arrive complete; so do small ones."""
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        large = "\x01" * 65_536
        root = await ann.root(conversation_id, large)
        received = await stream.next("message.new")
        for number in range(100):
            await ann.reply(root, f"{number}")
        small = [await stream.next("message.new") for _ in range(100)]

    assert received["payload"]["message"]["content"] == large
    assert [one["payload"]["message"]["content"] for one in small] == [f"{n}" for n in range(100)]
