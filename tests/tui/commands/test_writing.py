"""The commands `post`, `reply` and `cancel`, and their text."""

import json
from pathlib import Path

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA

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
    assert content == "See\n\nnotes.md:\n````\n```\ncode\n```\n````"
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
