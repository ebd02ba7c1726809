"""post, reply, cancel, and the text they are given."""

import json
from pathlib import Path

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import CancelResult, PostedMessage

POST = f"/api/threads/{TEA}/root"
POSTED = FakeResponse(201, PostedMessage(ROOT, ROOT, TEA, 1))


async def test_a_message_is_words_or_a_pipe(signed_in: FakeHttpServer) -> None:
    """Words are joined; `-` or no words read standard input."""
    signed_in.on("POST", POST, POSTED)
    assert (await rustygpt("post", str(TEA), "Hello", "there")).out == f"{ROOT}\n"
    await rustygpt("post", str(TEA), "-", stdin="from a\npipe 🍵\n")
    await rustygpt("post", str(TEA), stdin="\ufeffalso\n", terminal=True)
    texts = [decode(asked.body, dict)["content"] for asked in signed_in.requests]
    assert texts == ["Hello there", "from a\npipe 🍵", "also"]
    keys = {asked.headers["idempotency-key"] for asked in signed_in.requests}
    assert len(keys) == 3


async def test_no_text_is_a_mistake(signed_in: FakeHttpServer) -> None:
    """On a terminal nothing is waited for; an empty pipe is no message; bytes are no text."""
    for stdin in (None, "", "  \n", "\ud800"):
        ran = await rustygpt("post", str(TEA), stdin=stdin)
        assert (ran.code, signed_in.requests) == (2, [])


async def test_a_file_is_put_below_in_a_fence_it_cannot_end(
    signed_in: FakeHttpServer, tmp_path: Path
) -> None:
    """And one that cannot be read is a mistake."""
    file = tmp_path / "notes.md"
    file.write_text("```\ncode\n```\n")
    signed_in.on("POST", POST, POSTED)
    await rustygpt("post", str(TEA), "See", "--attach", str(file))
    content = decode(signed_in.requests[0].body, dict)["content"]
    assert content == "See\n\nnotes.md:\n````\n```\ncode\n```\n````"
    ran = await rustygpt("post", str(TEA), "See", "--attach", str(tmp_path))
    assert ran.code == 2
    assert "cannot be attached" in ran.err


async def test_a_reply_and_a_cancel_name_their_message(signed_in: FakeHttpServer) -> None:
    """The answer is the new id, or what became of it."""
    signed_in.on(
        "POST",
        f"/api/messages/{ROOT}/reply",
        FakeResponse(201, PostedMessage(REPLY, ROOT, TEA, 2, ROOT)),
    )
    signed_in.on(
        "POST", f"/api/messages/{REPLY}/cancel", FakeResponse(202, CancelResult(REPLY, "cancelled"))
    )
    ran = await rustygpt("reply", "--parent", str(ROOT), "Yes", "--json")
    assert json.loads(ran.out)["depth"] == 2
    assert (await rustygpt("cancel", str(REPLY))).out == "Status: cancelled\n"
    assert (await rustygpt("reply", "Yes")).code == 2
