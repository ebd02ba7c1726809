"""The commands `post`, `reply` and `cancel`, and their text."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA
from tests.support.servers.server_process import COMMAND

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import CancelResult, PostedMessage

POST = f"/api/threads/{TEA}/root"
POSTED = FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 1))


async def test_the_text_is_words_or_standard_input(signed_in: FakeHttpServer) -> None:
    """Words are joined; `-` or no words read standard input."""
    signed_in.on("POST", POST, POSTED)
    assert (await rustygpt("post", str(TEA), "Hello", "there")).out == f"{ROOT}\n"
    await rustygpt("post", str(TEA), "-", stdin="from a\npipe 🍵\n")
    await rustygpt("post", str(TEA), stdin="\ufeffalso\n", terminal=True)
    texts = [decode(request.body, dict)["content"] for request in signed_in.requests]
    assert texts == ["Hello there", "from a\npipe 🍵", "also"]
    keys = {request.headers["idempotency-key"] for request in signed_in.requests}
    assert len(keys) == 3


async def test_words_and_a_pipe_together_are_both(signed_in: FakeHttpServer) -> None:
    """The words, a blank line, and what the pipe held; an empty pipe adds nothing, `-` names it."""
    signed_in.on("POST", POST, POSTED)
    await rustygpt("post", str(TEA), "Please", "review:", stdin="  a = 1\n\tb\n\n")
    await rustygpt("post", str(TEA), "Hello", stdin=" \n")
    await rustygpt("post", str(TEA), "Review:", "-", stdin="b\n")
    texts = [decode(request.body, dict)["content"] for request in signed_in.requests]
    assert texts == ["Please review:\n\n  a = 1\n\tb", "Hello", "Review:\n\nb"]


async def test_words_and_a_file_or_a_device_at_standard_input(
    signed_in: FakeHttpServer, tmp_path: Path
) -> None:
    """A file is read like a pipe; a device such as /dev/null is not read at all."""
    signed_in.on("POST", POST, POSTED)
    (tmp_path / "log").write_text("line 1\nline 2\n")
    for name in (tmp_path / "log", Path("/dev/zero")):
        with name.open("rb") as file:
            process = await asyncio.create_subprocess_exec(
                *COMMAND, "post", str(TEA), "See", stdin=file, stdout=PIPE
            )
            await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0
    texts = [decode(request.body, dict)["content"] for request in signed_in.requests]
    assert texts == ["See\n\nline 1\nline 2", "See"]


async def test_a_pipe_that_stays_silent_is_mentioned(signed_in: FakeHttpServer) -> None:
    """A program that inherited an open pipe reports what it waits for."""
    signed_in.on("POST", POST, POSTED)
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "post", str(TEA), "Hello", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stderr is not None
    note = await asyncio.wait_for(process.stderr.readline(), 60)
    assert note.startswith(b"Reading standard input as well")
    out, _ = await process.communicate(b"")
    assert (process.returncode, out) == (0, f"{ROOT}\n".encode())


async def test_too_long_an_input_is_an_error(signed_in: FakeHttpServer) -> None:
    """It is not cut, also not within a character."""
    result = await rustygpt("post", str(TEA), stdin="\N{TEACUP WITHOUT HANDLE}" * 65_537)
    assert (result.code, signed_in.requests) == (2, [])
    assert "65,536 characters" in result.err


async def test_a_missing_text_is_an_error(signed_in: FakeHttpServer) -> None:
    """On a terminal it does not wait for input; an empty pipe and invalid UTF-8 are rejected."""
    for stdin in (None, "", "  \n", "\ud800"):
        result = await rustygpt("post", str(TEA), stdin=stdin)
        assert (result.code, signed_in.requests) == (2, [])


async def test_a_file_is_attached_in_a_longer_code_fence(
    signed_in: FakeHttpServer, tmp_path: Path
) -> None:
    """Code fences inside the file cannot end it; an unreadable file is an error of usage."""
    file = tmp_path / "notes.md"
    file.write_text("```\ncode\n```\n")
    signed_in.on("POST", POST, POSTED)
    await rustygpt("post", str(TEA), "See", "--attach", str(file))
    content = decode(signed_in.requests[0].body, dict)["content"]
    assert content == "See\n\nnotes.md:\n````markdown\n```\ncode\n```\n````"
    result = await rustygpt("post", str(TEA), "See", "--attach", str(tmp_path))
    assert result.code == 2
    assert "cannot be attached" in result.err


async def test_reply_and_cancel_name_a_message(signed_in: FakeHttpServer) -> None:
    """They print the new message, and the result of stopping an answer."""
    signed_in.on(
        "POST",
        f"/api/messages/{ROOT}/reply",
        FakeResponse(201, PostedMessage(REPLY, ROOT, TEA, 2, ROOT)),
    )
    signed_in.on(
        "POST", f"/api/messages/{REPLY}/cancel", FakeResponse(202, CancelResult(REPLY, "cancelled"))
    )
    result = await rustygpt("reply", "--parent", str(ROOT), "Yes", "--json")
    assert json.loads(result.out)["depth"] == 2
    assert (await rustygpt("cancel", str(REPLY))).out == "Status: cancelled\n"
    assert (await rustygpt("reply", "Yes")).code == 2
