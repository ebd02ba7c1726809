"""The command `ask`: which answer it follows, what it prints, and how it ends."""

import asyncio
import json
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
from msgspec import structs
from tests.support.clients.cli_runner import CliResult, rustygpt
from tests.support.clients.terminal import in_terminal
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import REPLY, ROOT, SESSION, TEA, USER, conversation, message
from tests.support.servers.server_process import COMMAND
from tests.support.streams.sse_frames import (
    answer,
    answer_status,
    closed,
    error,
    message_delta,
    message_done,
    message_new,
    message_updated,
    opened,
    reset,
    stream,
)
from tests.support.wait import until

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import (
    CancelResult,
    PostedMessage,
    ReadMarkerResult,
    ThreadPage,
    Usage,
)
from rustygpt_shared.models.users import Me

CONVERSATION = f"/api/conversations/{TEA}"
STREAM = f"/api/stream/conversations/{TEA}"
FULL_TEXT = "Tea is **hot** 🍵 water."
FINAL = answer(FULL_TEXT, streaming=False, finish_reason="stop")
POSTED = PostedMessage(ROOT, ROOT, TEA, 1, answer_id=REPLY)


def use_mode(server: FakeHttpServer, mode: str) -> None:
    """Serve the conversation with this assistant mode."""
    shown = structs.replace(conversation(last_event_id="evt_3"), assistant_mode=mode)
    server.on("GET", CONVERSATION, FakeResponse(body=shown))


def posted_bodies(server: FakeHttpServer) -> list[dict[str, str]]:
    """Return the messages that were posted."""
    bodies = [decode(r.body, dict) for r in server.requests if r.method == "POST"]
    return [body for body in bodies if "content" in body]


def posted_contents(server: FakeHttpServer) -> list[str]:
    """Return the texts that were posted."""
    return [body["content"] for body in posted_bodies(server)]


@pytest.fixture
def chat(signed_in: FakeHttpServer) -> FakeHttpServer:
    """A server with a conversation whose posts start an answer."""
    use_mode(signed_in, "always")
    signed_in.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, POSTED))
    signed_in.on("GET", f"/api/messages/{REPLY}", FakeResponse(body=FINAL))
    return signed_in


async def test_the_answer_is_printed_as_it_arrives_and_nothing_twice(
    chat: FakeHttpServer,
) -> None:
    """A broken connection and repeated deltas do not matter; the stream starts before the post."""
    chat.on(
        "GET",
        STREAM,
        stream(
            opened("evt_3"),
            message_new(4, message()),
            message_new(5, answer()),
            message_delta(0, FULL_TEXT[:8]),
        ),
        stream(
            opened("evt_5"),
            message_delta(0, FULL_TEXT[:15]),
            message_updated(6, FINAL),
            message_done(7),
        ),
    )
    result = await rustygpt("ask", str(TEA), "What", "is", "tea?")
    assert (result.code, result.out) == (0, FULL_TEXT + "\n")
    assert "Trying again" in result.err
    streams = [r.headers["last-event-id"] for r in chat.requests if r.path == STREAM]
    assert streams == ["evt_3", "evt_5"]


async def test_other_answers_are_not_printed(chat: FakeHttpServer) -> None:
    """Only the answer that the response to the post names is printed."""
    elsewhere = message(TEA, "Other", role="assistant", parent_id=REPLY, streaming=False)
    sibling = message(TEA, "Sibling", role="assistant", parent_id=ROOT, finish_reason="stop")
    chat.on(
        "GET",
        STREAM,
        stream(
            opened(),
            message_new(4, elsewhere),
            message_new(5, sibling),
            message_new(6, answer()),
            message_updated(7, FINAL),
            message_done(8),
        ),
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == FULL_TEXT + "\n"


@pytest.mark.parametrize("mode", ["always", "mention"])
async def test_without_an_answer_id_the_command_fails_at_once(
    chat: FakeHttpServer, mode: str
) -> None:
    """The error names the conversation's mode; no stream is opened, nothing is printed."""
    use_mode(chat, mode)
    chat.on(
        "POST", f"/api/threads/{TEA}/root", FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 1))
    )
    result = await rustygpt("ask", str(TEA), "?")
    assert (result.code, result.out) == (1, "")
    assert "no answer was started" in result.err
    assert repr(mode) in result.err
    assert chat.request_count("GET", STREAM) == 0


async def test_json_is_the_full_answer_at_its_end(chat: FakeHttpServer) -> None:
    """One object is printed, and nothing before it."""
    chat.on(
        "GET",
        STREAM,
        stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), message_done(5)),
    )
    result = await rustygpt("ask", str(TEA), "?", "--json")
    assert json.loads(result.out)["content"] == FULL_TEXT


FRAMES = (
    opened(),
    message_new(4, answer()),
    answer_status("queued", queue_position=2),
    answer_status("waiting", omitted_messages=12),
    message_delta(0, "", reasoning="hot or cold"),
    message_delta(0, FULL_TEXT, reasoning="hot or cold"),
    message_updated(6, FINAL),
    message_done(7),
)


async def test_a_terminal_shows_what_the_answer_waits_for(chat: FakeHttpServer) -> None:
    """In one line, which is removed before the text is printed."""
    chat.on("GET", STREAM, stream(*FRAMES))
    async with asyncio.timeout(60), in_terminal("ask", str(TEA), "What?") as terminal:
        assert await terminal.ends() == 0
        await terminal.shows("did not fit into the model's context.")
    shown = [part.split("\x1b[K") for part in terminal.seen.split("\r")]
    transient = [text for part in shown for text in part[1:] if text]
    assert transient[:3] == ["queued, 2nd in line", "waiting for the model", "thinking … 3 words"]
    assert transient[3].startswith("Tea is **hot**")


async def test_elsewhere_only_a_note_says_what_did_not_fit(chat: FakeHttpServer) -> None:
    """A file or a pipe gets no line that changes."""
    chat.on("GET", STREAM, stream(*FRAMES))
    result = await rustygpt("ask", str(TEA), "What?")
    assert result.out == FULL_TEXT + "\n"
    assert "12 earlier messages did not fit into the model's context." in result.err
    assert "queued" not in result.err
    assert "thinking" not in result.err


async def test_json_has_reasoning_and_usage(chat: FakeHttpServer) -> None:
    """As the server keeps them with the message."""
    usage = Usage(10, 2, 12, estimated=True)
    kept = structs.replace(FINAL, reasoning="hot or cold", usage=usage)
    chat.on("GET", f"/api/messages/{REPLY}", FakeResponse(body=kept))
    chat.on("GET", STREAM, stream(*FRAMES))
    printed = json.loads((await rustygpt("ask", str(TEA), "?", "--json")).out)
    assert printed["reasoning"] == "hot or cold"
    assert printed["usage"]["completion_tokens"] == 2
    assert printed["usage"]["estimated"] is True


@pytest.mark.parametrize(
    ("frames", "out", "sentence"),
    [
        (
            [message_delta(0, "Tea"), message_done(6, "error"), error(7, "No model.", REPLY)],
            "Tea\n",
            "No model.",
        ),
        ([message_delta(0, "Tea"), message_done(6, "cancelled")], "Tea\n", "was stopped."),
        ([message_done(6, "timeout")], "", "took too long"),
    ],
)
async def test_a_failed_answer_exits_with_9(
    chat: FakeHttpServer, frames: list[bytes], out: str, sentence: str
) -> None:
    """The text so far is printed, without it nothing; the reason goes to standard error."""
    chat.on("GET", STREAM, stream(opened(), message_new(4, answer()), *frames))
    result = await rustygpt("ask", str(TEA), "?")
    assert (result.code, result.out) == (9, out)
    assert sentence in result.err


async def test_after_a_reset_the_answer_is_fetched(chat: FakeHttpServer) -> None:
    """Only the part that was not printed yet is printed."""
    chat.on(
        "GET",
        STREAM,
        stream(opened(), message_new(4, answer()), message_delta(0, "Tea"), reset("evt_90")),
    )
    assert (await rustygpt("ask", str(TEA), "?")).out == FULL_TEXT + "\n"
    assert chat.request_count("GET", f"/api/messages/{REPLY}") == 1


async def test_in_a_group_the_assistant_is_mentioned(chat: FakeHttpServer) -> None:
    """In mode `mention` the question mentions the assistant; in mode `off` nothing is posted."""
    results: dict[str, CliResult] = {}
    for mode in ("mention", "off"):
        use_mode(chat, mode)
        chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
        results[mode] = await rustygpt("ask", str(TEA), "?")
    assert {mode: result.code for mode, result in results.items()} == {"mention": 0, "off": 1}
    assert "is off" in results["off"].err
    assert posted_contents(chat) == ["@assistant ?"]


@pytest.mark.parametrize(
    ("question", "posted"),
    [
        ("@Assistant, why?", "@Assistant, why?"),
        ("@assistants?", "@assistant @assistants?"),
        ("who is me@assistant.org?", "@assistant who is me@assistant.org?"),
    ],
)
async def test_only_a_mention_at_the_start_is_kept_as_it_is(
    chat: FakeHttpServer, question: str, posted: str
) -> None:
    """Text that merely contains the word gets a mention in front."""
    use_mode(chat, "mention")
    chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", str(TEA), question)).code == 0
    assert posted_contents(chat) == [posted]


async def test_the_printed_answer_is_marked_as_read(chat: FakeHttpServer) -> None:
    """With the question before it, but not the later message of another user."""
    marks: list[int] = []

    def mark(request: RecordedRequest) -> FakeResponse:
        marks.append(decode(request.body, dict)["seq"])
        return FakeResponse(body=ReadMarkerResult(ROOT, 2, 0))

    unseen = message(UUID(int=5), seq=3, author_user_id=UUID(int=6))
    page = ThreadPage(ROOT, [message(), FINAL, unseen], "evt_9")
    chat.on("POST", f"/api/threads/{ROOT}/read", mark)
    chat.on("GET", f"/api/threads/{ROOT}/messages", FakeResponse(body=page))
    chat.on("GET", "/api/auth/me", FakeResponse(body=Me(USER, SESSION)))
    chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", str(TEA), "Why?")).code == 0
    assert marks == [0, FINAL.seq]


async def test_a_question_can_be_a_reply_or_follow_a_system_prompt(chat: FakeHttpServer) -> None:
    """`--parent` replies to a message; `--system` starts the thread with a prompt."""
    chat.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message()))
    chat.on(
        "POST",
        f"/api/messages/{ROOT}/reply",
        FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 2, answer_id=REPLY)),
    )
    chat.on("GET", STREAM, lambda _: stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", "--parent", str(ROOT), "Why", "so?")).code == 0
    assert (await rustygpt("ask", str(TEA), "Why?", "--system", "Be short.")).code == 0
    assert posted_bodies(chat) == [
        {"content": "Why so?"},
        {"content": "Be short.", "role": "system"},
        {"content": "Why?"},
    ]
    assert (await rustygpt("ask", "--parent", str(ROOT), "--system", "x", "y")).code == 2
    assert (await rustygpt("ask")).code == 2


async def test_being_removed_ends_the_wait(chat: FakeHttpServer) -> None:
    """A final `stream.closed` ends the command with 1."""
    chat.on("GET", STREAM, stream(opened(), message_new(4, answer()), closed("removed")))
    assert (await rustygpt("ask", str(TEA), "?")).code == 1


CANCEL = f"/api/messages/{REPLY}/cancel"


class WaitingAsk:
    """`ask` in a process of its own, whose answer is incomplete and does not continue."""

    def __init__(self, chat: FakeHttpServer) -> None:
        self._chat = chat
        self._never = asyncio.Event()

    async def __aenter__(self) -> Process:
        """Start it; return the process when it has printed the beginning of the answer."""
        self._chat.on("GET", STREAM, FakeResponse(stream=self._frames()))
        self._chat.on("POST", CANCEL, FakeResponse(202, CancelResult(REPLY, "cancelled")))
        words = (*COMMAND, "ask", str(TEA), "?")
        process = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=PIPE)
        assert process.stdout is not None
        async with asyncio.timeout(60):
            assert await process.stdout.readexactly(3) == b"Tea"
        return process

    async def _frames(self) -> AsyncIterator[bytes]:
        yield opened() + message_new(4, answer()) + message_delta(0, "Tea")
        await self._never.wait()

    async def __aexit__(self, *_: object) -> None:
        self._never.set()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
async def test_a_signal_stops_the_answer_at_the_server(
    chat: FakeHttpServer, number: signal.Signals, code: int
) -> None:
    """The text so far is printed, and the exit code names the signal."""
    async with WaitingAsk(chat) as process:
        process.send_signal(number)
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, errors.strip()) == (code, b"")
    assert chat.request_count("POST", CANCEL) == 1


async def test_an_ignored_signal_stays_ignored(chat: FakeHttpServer) -> None:
    """`nohup` lets an answer continue when its terminal is closed."""
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        async with WaitingAsk(chat) as process:
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 60) == 143
    finally:
        signal.signal(signal.SIGHUP, previous)


async def test_the_end_of_the_reader_stops_the_answer_at_the_server(chat: FakeHttpServer) -> None:
    """At once, not with the next words of a model that may think for minutes."""
    async with WaitingAsk(chat) as process:
        transport = process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()
        assert process.stderr is not None
        errors = await asyncio.wait_for(process.stderr.read(), 60)
        code = await asyncio.wait_for(process.wait(), 60)
    assert (code, errors) == (141, b"")
    assert chat.request_count("POST", CANCEL) == 1


async def test_output_that_cannot_be_written_stops_the_answer(chat: FakeHttpServer) -> None:
    """A full disk is reported once, with exit code 1."""
    chat.on("GET", STREAM, stream(opened(), message_new(4, answer()), message_delta(0, "Tea")))
    chat.on("POST", CANCEL, FakeResponse(202, CancelResult(REPLY, "cancelled")))
    with Path("/dev/full").open("wb") as full:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "ask", str(TEA), "?", stdout=full, stderr=PIPE
        )
        _, errors = await asyncio.wait_for(process.communicate(), 60)
    sentence = b"rustygpt: Standard output cannot be written: the disk is full.\n"
    assert (process.returncode, errors) == (1, sentence)
    assert chat.request_count("POST", CANCEL) == 1


async def test_a_signal_while_the_question_is_sent_stops_its_answer(chat: FakeHttpServer) -> None:
    """The id of the answer is in the response that is still to come."""
    respond = asyncio.Event()
    chat.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, POSTED, after=respond))
    chat.on("POST", CANCEL, FakeResponse(202, CancelResult(REPLY, "cancelled")))
    process = await asyncio.create_subprocess_exec(*COMMAND, "ask", str(TEA), "?", stderr=PIPE)
    await until(lambda: chat.request_count("POST", f"/api/threads/{TEA}/root") == 1)
    process.send_signal(signal.SIGTERM)
    respond.set()
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, errors) == (143, b"")
    assert chat.request_count("POST", CANCEL) == 1


async def test_a_single_argument_is_the_conversation(chat: FakeHttpServer) -> None:
    """Without a text, the error says which of the two arguments is missing."""
    for stdin in ("", None):
        result = await rustygpt("ask", "What is tea?", stdin=stdin)
        assert (result.code, result.out) == (2, "")
        assert "'What is tea?', names the conversation" in result.err
        assert "a conversation is missing: `rustygpt ask C TEXT`" in result.err
    chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
    assert (await rustygpt("ask", str(TEA), stdin="What is tea?")).code == 0
    assert posted_contents(chat) == ["What is tea?"]


async def test_a_session_file_that_cannot_be_written_is_a_warning(
    chat: FakeHttpServer, folders: Path
) -> None:
    """The question was posted: its answer is printed, and the exit code is 0."""
    (folders / "config" / "session.cookies.lock").unlink()
    (folders / "config" / "session.cookies.lock").mkdir()
    rotated = [("set-cookie", "SESSION_ID=two; Max-Age=60"), ("x-session-rotated", "1")]
    chat.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, POSTED, rotated))
    chat.on("GET", STREAM, stream(opened(), message_new(4, FINAL)))
    result = await rustygpt("ask", str(TEA), "?")
    assert (result.code, result.out) == (0, FULL_TEXT + "\n")
    assert result.err.count("The session cannot be saved") == 1
    last = [request.headers["cookie"] for request in chat.requests][-1]
    assert "SESSION_ID=two" in last, "the new cookie is used"


async def test_regenerate_prints_the_new_answer(chat: FakeHttpServer) -> None:
    """It follows the answer that the response names; --model is sent."""
    new = UUID(int=77)
    chat.on("GET", f"/api/messages/{ROOT}", FakeResponse(body=message(ROOT, role="assistant")))
    chat.on(
        "POST",
        f"/api/messages/{ROOT}/regenerate",
        FakeResponse(201, PostedMessage(new, ROOT, TEA, 2, UUID(int=3), new)),
    )
    final = structs.replace(FINAL, id=new)
    chat.on("GET", f"/api/messages/{new}", FakeResponse(body=final))
    chat.on("GET", STREAM, stream(opened(3), message_updated(4, final)))
    result = await rustygpt("regenerate", str(ROOT), "--model", "other")
    assert (result.code, result.out) == (0, f"{FULL_TEXT}\n")
    bodies = [decode(r.body, dict) for r in chat.requests if r.path.endswith("/regenerate")]
    assert bodies == [{"model": "other"}]
