"""The command `chat`: the latest messages, and the line chat after them."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from msgspec import structs
from tests.support.clients.cli_runner import rustygpt
from tests.support.clients.screen import screen_of
from tests.support.clients.terminal import Terminal, in_terminal
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import (
    REPLY,
    ROOT,
    SESSION,
    TEA,
    USER,
    conversation,
    message,
    thread,
)
from tests.support.streams.sse_frames import (
    answer,
    message_delta,
    message_new,
    message_updated,
    opened,
    reset,
)

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ThreadList
from rustygpt_shared.models.messages import (
    MessageView,
    PostedMessage,
    ReadMarkerResult,
    ThreadPage,
)
from rustygpt_shared.models.users import Me

BOB = UUID(int=77)
OTHER = UUID(int=88)
QUESTION = UUID(int=100)
FINAL = answer("Hot water.", streaming=False, finish_reason="stop")
PASTE = "def f():\n    return 1\n\nplease explain\n"


def numbered(number: int, content: str = "", **fields: Any) -> MessageView:
    """Return a message of Bob's with this id and seq, a reply to the answer."""
    fields = {"parent_id": REPLY, "author_user_id": BOB, "author_name": "Bob", **fields}
    depth = fields.pop("depth", 3)
    return message(UUID(int=number), content, depth=depth, seq=number, **fields)


def serve_thread(server: FakeHttpServer, *messages: MessageView) -> None:
    """Serve a conversation with one thread: a question and its answer, or these messages."""
    shown = conversation(last_event_id="evt_3")
    server.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=shown))
    page = ThreadList([thread()], "evt_3")
    server.on("GET", f"/api/conversations/{TEA}/threads", FakeResponse(body=page))
    everything = list(messages) or [message(content="What\x1b[31m?"), FINAL]

    def listed(request: RecordedRequest) -> FakeResponse:
        before = int(request.query.get("before_seq", 10**9))
        after = int(request.query.get("after_seq", 0))
        limit = int(request.query["limit"])
        rows = [m for m in everything if after < m.seq < before]
        rows = rows[-limit:] if "before_seq" in request.query else rows[:limit]
        more = rows and rows[0].seq > 1 and "before_seq" in request.query
        cursor = str(rows[0].seq) if more else None
        return FakeResponse(body=ThreadPage(ROOT, rows, "evt_3", None, cursor))

    server.on("GET", f"/api/threads/{ROOT}/messages", listed)


class Stream:
    """The stream of the conversation: it sends frames when the test says so."""

    def __init__(self, server: FakeHttpServer) -> None:
        self._frames = asyncio.Queue[bytes]()
        server.on("GET", f"/api/stream/conversations/{TEA}", FakeResponse(stream=self._send()))

    def send(self, *frames: bytes) -> None:
        """Send frames."""
        self._frames.put_nowait(b"".join(frames))

    async def _send(self) -> AsyncIterator[bytes]:
        yield opened("evt_3")
        while True:
            yield await self._frames.get()


@pytest.fixture
async def stream(signed_in: FakeHttpServer) -> Stream:
    """The stream of a conversation with a thread, which replies to posts and marks."""
    serve_thread(signed_in)
    signed_in.on("GET", "/api/auth/me", FakeResponse(body=Me(USER, SESSION)))
    for parent in (ROOT, REPLY, QUESTION, *(UUID(int=number) for number in range(3, 12))):
        posted = PostedMessage(QUESTION, ROOT, TEA, 3, parent)
        signed_in.on("POST", f"/api/messages/{parent}/reply", FakeResponse(201, posted))
    return Stream(signed_in)


@asynccontextmanager
async def chat() -> AsyncIterator[Terminal]:
    """Run the chat in a terminal; it ends with Ctrl-D."""
    async with asyncio.timeout(60), in_terminal("chat", "--conversation", str(TEA)) as terminal:
        await terminal.shows("\x1b[?2004h")
        await terminal.shows("> ")
        yield terminal
        terminal.types("\x04")
        assert await terminal.ends() == 0


def replies(server: FakeHttpServer) -> list[tuple[str, str]]:
    """Return the posts: the id of the parent, or `root`, and the text."""
    posts = []
    for request in server.requests:
        body = decode(request.body, dict) if request.method == "POST" else {}
        if "content" in body:
            parts = request.path.split("/")
            posts.append(("root" if parts[-1] == "root" else parts[3], body["content"]))
    return posts


async def posted(server: FakeHttpServer, count: int) -> list[tuple[str, str]]:
    """Wait for this many posts, and return them."""
    async with asyncio.timeout(60):
        while len(replies(server)) < count:
            await asyncio.sleep(0.01)
    return replies(server)


async def test_the_latest_messages_are_printed_in_the_order_of_posts(
    signed_in: FakeHttpServer,
) -> None:
    """As text, or a line of JSON each; a chat without branches has no indents."""
    serve_thread(signed_in)
    result = await rustygpt("chat", "--conversation", str(TEA))
    lines = result.out.splitlines()
    assert lines[0].startswith("── Ada, ")
    assert lines[1] == "What[31m?"
    assert lines[2].startswith("── assistant, ")
    assert lines[3] == "Hot water."
    result = await rustygpt("chat", "--conversation", str(TEA), "--limit", "1", "--json")
    assert [json.loads(line)["content"] for line in result.out.splitlines()] == ["Hot water."]
    result = await rustygpt("chat", "--conversation", str(TEA), "--root", str(ROOT), terminal=True)
    assert len(result.out.splitlines()) == 4


async def test_only_the_latest_messages_are_fetched(signed_in: FakeHttpServer) -> None:
    """However long the thread is."""
    serve_thread(signed_in, *(numbered(n, f"text {n}") for n in range(1, 3_000)))
    result = await rustygpt("chat", "--conversation", str(TEA), "--limit", "3")
    assert result.out.splitlines()[1::2] == ["text 2997", "text 2998", "text 2999"]
    fetched = [r.query for r in signed_in.requests if r.path.endswith("/messages")]
    assert [query["limit"] for query in fetched] == ["3"]


async def test_on_a_terminal_it_continues_as_a_chat(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """A line replies to the last message, the answer streams, and the prompt follows it."""
    async with chat() as terminal:
        await terminal.shows("↳ to assistant: Hot water.")
        terminal.types("And now?\n")
        await posted(signed_in, 1)
        own = message(QUESTION, "And now?", parent_id=REPLY, depth=3, seq=3)
        stream.send(message_new(4, own), message_new(5, answer_of(4, QUESTION)))
        stream.send(delta(4, 0, "Then "), delta(4, 5, "milk."))
        await terminal.shows("Then milk.")
        stream.send(message_updated(6, answer_of(4, QUESTION, "Then milk.")))
        await terminal.shows("↳ to assistant: Then milk.")
        terminal.types("Thanks\n")
        posts = await posted(signed_in, 2)
    assert posts == [(str(REPLY), "And now?"), (str(UUID(int=4)), "Thanks")]
    shown = screen_of(terminal.seen)
    assert shown.count("> And now?") == 1, "typed text is not printed again"
    assert shown.count("── assistant") == 2
    assert "> And now?\n── assistant" in shown
    assert "\n  " not in shown, "a linear chat has no indents"


async def test_a_message_that_arrives_while_a_line_is_typed_does_not_change_its_target(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """The next line replies to the new message."""
    async with chat() as terminal:
        terminal.types("I th")
        await terminal.shows("I th")
        stream.send(message_new(4, numbered(3, "Wait!")))
        await terminal.shows("Wait!")
        terminal.types("ink so\n")
        await posted(signed_in, 1)
        own = message(QUESTION, "I think so", parent_id=REPLY, depth=3, seq=4)
        stream.send(message_new(5, own))
        stream.send(message_new(6, numbered(5, "Why?", parent_id=UUID(int=3))))
        await terminal.shows("↳ to Bob: Why?")
        terminal.types("Because\x7f\x7fse!\n")
        posts = await posted(signed_in, 2)
    assert posts == [(str(REPLY), "I think so"), (str(UUID(int=5)), "Because!")]
    assert "Wait!\n↳ to assistant: Hot water.\n> I think so\n" in screen_of(terminal.seen)


async def test_a_paste_is_one_message_with_its_indentation(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """Enter sends it; its first word is no command."""
    async with chat() as terminal:
        for paste in (PASTE, "    first\n", "/new x"):
            terminal.types(f"\x1b[200~{paste}")
            terminal.types("\x1b[201~\n")
        posts = await posted(signed_in, 3)
    assert [content for _, content in posts] == [PASTE.rstrip(), "    first", "/new x"]
    assert {parent for parent, _ in posts} == {str(REPLY), str(QUESTION)}


async def test_two_answers_at_once_are_printed_one_after_the_other(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """The second one, and messages after it, wait until the first one has ended."""
    async with chat() as terminal:
        stream.send(message_new(4, answer_of(3, ROOT)), message_new(5, answer_of(4, ROOT)))
        stream.send(delta(3, 0, "one "), delta(4, 0, "three "), delta(3, 4, "two\n"))
        stream.send(message_new(6, numbered(5, "five", parent_id=ROOT)), delta(4, 6, "four"))
        await terminal.shows("two")
        stream.send(message_updated(7, answer_of(3, ROOT, "one two\n")))
        await terminal.shows("four")
        stream.send(message_updated(8, answer_of(4, ROOT, "three four")))
        await terminal.shows("five")
    texts = re.findall(r"one.two|three.four|five$", screen_of(terminal.seen), re.MULTILINE)
    assert texts == ["one two", "three four", "five"]
    headings = re.findall(r"^ *── .*$", screen_of(terminal.seen), re.MULTILINE)
    assert [heading.split(",")[0].strip() for heading in headings[2:]] == [
        "── assistant",
        "── assistant",
        "── Bob",
    ]
    assert all("↳ to Ada: What" in heading for heading in headings[2:]), "these are branches"


async def test_it_stays_in_its_thread(signed_in: FakeHttpServer, stream: Stream) -> None:
    """Another thread is announced in one line, and lines still go to the chat's own thread."""
    posted_root = PostedMessage(OTHER, OTHER, TEA, 1)
    signed_in.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, posted_root))
    other = {"root_id": UUID(int=9), "author_user_id": BOB, "author_name": "Bob"}
    async with chat() as terminal:
        root = structs.replace(numbered(9, "New\nidea", depth=1, parent_id=None), **other)
        more = structs.replace(numbered(10, "more"), **other)
        stream.send(message_new(4, root), message_new(5, more))
        await terminal.shows("(Bob started a thread: New idea)")
        terminal.types("Hello\n")
        assert await posted(signed_in, 1) == [(str(REPLY), "Hello")]
        terminal.types("/new Other\n")
        assert (await posted(signed_in, 2))[1] == ("root", "Other")
        await terminal.shows("↳ new thread")
        late = numbered(8, "late", parent_id=QUESTION)
        own_thread = structs.replace(numbered(2, "here"), root_id=OTHER, parent_id=OTHER)
        stream.send(message_new(6, late), message_new(7, own_thread))
        await terminal.shows("here")
    shown = screen_of(terminal.seen)
    assert "more" not in shown
    assert "(Bob wrote in another thread: late)" in shown


async def test_a_retry_is_the_same_post(signed_in: FakeHttpServer, stream: Stream) -> None:
    """Text, target and key, although a message arrives meanwhile; it is not printed again."""
    answers = iter([FakeResponse(503), FakeResponse(201, PostedMessage(QUESTION, ROOT, TEA, 3))])
    failed = asyncio.Event()

    def reply(_: RecordedRequest) -> FakeResponse:
        failed.set()
        return next(answers)

    signed_in.on("POST", f"/api/messages/{REPLY}/reply", reply)
    async with chat() as terminal:
        terminal.types("Once\n")
        await failed.wait()
        await terminal.shows("Not sent yet")
        own = message(QUESTION, "Once", parent_id=REPLY, depth=3, seq=3)
        stream.send(message_new(4, own), message_new(5, numbered(4, "Hm")))
        await terminal.shows("Hm")
        await posted(signed_in, 2)
    sent = [r for r in signed_in.requests if r.path.endswith("/reply")]
    assert len({(r.body, r.path, r.headers["idempotency-key"]) for r in sent}) == 1
    assert screen_of(terminal.seen).count("Once") == 1


async def test_a_limited_line_waits_while_others_are_printed(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """The note says for how long; the line is sent although Ctrl-D has been pressed meanwhile."""
    responses = FakeResponse(429), FakeResponse(201, PostedMessage(QUESTION, ROOT, TEA, 3))
    signed_in.on("POST", f"/api/messages/{REPLY}/reply", *responses)
    async with chat() as terminal:
        terminal.types("Once\n")
        await terminal.shows("Trying again in 1 s.")
        stream.send(message_new(4, numbered(4, "Meanwhile")))
        await terminal.shows("Meanwhile")
    assert replies(signed_in) == [(str(REPLY), "Once")] * 2


async def test_a_refused_line_is_reported(signed_in: FakeHttpServer, stream: Stream) -> None:
    """The next line has the same target; lines that reply to the refused one are refused."""
    signed_in.on("POST", f"/api/messages/{REPLY}/reply", FakeResponse(403))
    async with chat() as terminal:
        terminal.types("No\n")
        await terminal.shows("Not sent: ")
        terminal.types("again\n")
        posts = await posted(signed_in, 2)
    assert posts == [(str(REPLY), "No"), (str(REPLY), "again")]


async def test_lines_in_a_row_reply_to_the_answers_of_each_other(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """Each one to the answer of the line before, which may be acknowledged and printed later."""
    release = asyncio.Event()
    parents = iter([REPLY, *(UUID(int=2 * n) for n in range(3, 6))])
    for number, parent in zip(range(5, 13, 2), parents, strict=True):
        ids = UUID(int=number), UUID(int=number + 1)
        body = PostedMessage(ids[0], ROOT, TEA, 3, parent, answer_id=ids[1])
        response = FakeResponse(201, body, after=release)
        signed_in.on("POST", f"/api/messages/{parent}/reply", response)
    async with chat() as terminal:
        terminal.types("one\ntwo\nthr")
        await terminal.shows("↳ to you: two")
        release.set()
        await posted(signed_in, 2)
        await terminal.shows("↳ to the answer to: two")
        for number, parent in ((5, REPLY), (7, UUID(int=6))):
            own = message(UUID(int=number), "x", parent_id=parent, depth=3, seq=number)
            stream.send(message_new(number, own))
            stream.send(message_new(number + 1, answer_of(number + 1, UUID(int=number))))
        stream.send(delta(6, 0, "**First**."), delta(8, 0, "Second."))
        await terminal.shows("**First**.")
        terminal.types("ee\n")
        await posted(signed_in, 3)
        await terminal.shows("↳ to the answer to: three")
        stream.send(message_updated(12, answer_of(6, UUID(int=5), "**First**.")))
        await terminal.shows("Second.")
        terminal.types("four\n")
        posts = await posted(signed_in, 4)
    expected = [REPLY, UUID(int=6), UUID(int=8), UUID(int=10)]
    assert posts == list(zip(map(str, expected), ("one", "two", "three", "four"), strict=True))


async def test_lines_after_a_refused_one_are_refused_and_the_next_one_is_sent(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """The line that is being typed replies to what the refused one replied to."""
    release = asyncio.Event()
    accepted = FakeResponse(201, PostedMessage(QUESTION, ROOT, TEA, 3))
    answers = FakeResponse(403, after=release), accepted
    signed_in.on("POST", f"/api/messages/{REPLY}/reply", *answers)
    async with chat() as terminal:
        terminal.types("one\ntwo\nthr")
        await terminal.shows("↳ to you: two")
        release.set()
        await terminal.shows("(It was: you: two)")
        terminal.types("ee\n")
        posts = await posted(signed_in, 2)
    assert posts == [(str(REPLY), "one"), (str(REPLY), "three")]


async def test_a_narrower_terminal_has_one_prompt(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """Rows of the old width are erased when the size changes."""
    async with chat() as terminal:
        await terminal.shows("↳ to assistant: Hot water.")
        terminal.resize(20)
        await terminal.shows("↳ to assistant: Ho…")
    assert "\x1b[2A\x1b[J" in terminal.seen


async def test_what_was_printed_is_marked_as_read(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """But not what came before the first message that was printed."""
    marks: list[int] = []

    def mark(request: RecordedRequest) -> FakeResponse:
        marks.append(decode(request.body, dict)["seq"])
        return FakeResponse(body=ReadMarkerResult(ROOT, 1, max(marks)))

    signed_in.on("POST", f"/api/threads/{ROOT}/read", mark)
    async with chat() as terminal:
        async with asyncio.timeout(60):
            while marks != [0, 2]:
                await asyncio.sleep(0.01)
        terminal.types("")


async def test_after_a_reset_the_missed_messages_are_printed(
    signed_in: FakeHttpServer, stream: Stream
) -> None:
    """In the order of posts, each once."""
    async with chat() as terminal:
        missed = [numbered(3, "missed"), numbered(4, "too", parent_id=UUID(int=3))]
        serve_thread(signed_in, message(), FINAL, *missed)
        stream.send(reset("evt_9"), message_new(10, missed[1]))
        await terminal.shows("↳ to Bob: too")
    assert re.findall("missed$|too$", screen_of(terminal.seen), re.MULTILINE) == ["missed", "too"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, None])
async def test_the_mode_of_the_terminal_is_restored(
    signed_in: FakeHttpServer, stream: Stream, number: signal.Signals | None
) -> None:
    """After Ctrl-C, a signal, and Ctrl-D; the shell finds it as it was."""
    async with asyncio.timeout(60), in_terminal("chat", "--conversation", str(TEA)) as terminal:
        before = terminal.mode()
        await terminal.shows("> ")
        assert terminal.mode() != before
        if number:
            terminal.interrupt(number)
        else:
            terminal.types("\x04")
        code = await terminal.ends()
        assert terminal.mode() == before
        await terminal.shows("\x1b[?2004l")
    assert code == {signal.SIGINT: 130, signal.SIGTERM: -signal.SIGTERM, None: 0}[number]


def answer_of(number: int, parent: UUID, final: str = "") -> MessageView:
    """Return an answer with this id and seq, in progress unless it has a final text."""
    return message(
        UUID(int=number),
        final,
        role="assistant",
        author_user_id=None,
        author_name="assistant",
        parent_id=parent,
        depth=4,
        seq=number,
        streaming=not final,
        finish_reason="stop" if final else None,
    )


def delta(number: int, offset: int, text: str) -> bytes:
    """Return the frame of a delta of such an answer."""
    return message_delta(offset, text, about=UUID(int=number))
