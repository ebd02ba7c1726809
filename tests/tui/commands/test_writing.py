"""post, reply, cancel, and the text they are given."""

import json
from pathlib import Path

from tests.support.program import rustygpt
from tests.support.samples import REPLY, ROOT, TEA
from tests.support.wire_server import Reply, WireServer

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import Cancelled, Posted

POST = f"/api/threads/{TEA}/root"
POSTED = Reply(201, Posted(ROOT, ROOT, TEA, 1))


async def test_a_message_is_words_or_a_pipe(signed_in: WireServer) -> None:
    """Words are joined; `-` or no words read standard input."""
    signed_in.on("POST", POST, POSTED)
    assert (await rustygpt("post", str(TEA), "Hello", "there")).out == f"{ROOT}\n"
    await rustygpt("post", str(TEA), "-", stdin="from a\npipe 🍵\n")
    await rustygpt("post", str(TEA), stdin="\ufeffalso\n", terminal=True)
    texts = [decode(asked.body, dict)["content"] for asked in signed_in.asked]
    assert texts == ["Hello there", "from a\npipe 🍵", "also"]
    keys = {asked.headers["idempotency-key"] for asked in signed_in.asked}
    assert len(keys) == 3


async def test_no_text_is_a_mistake(signed_in: WireServer) -> None:
    """On a terminal nothing is waited for; an empty pipe is no message; bytes are no text."""
    for stdin in (None, "", "  \n", "\ud800"):
        ran = await rustygpt("post", str(TEA), stdin=stdin)
        assert (ran.code, signed_in.asked) == (2, [])


async def test_a_file_is_put_below_in_a_fence_it_cannot_end(
    signed_in: WireServer, tmp_path: Path
) -> None:
    """And one that cannot be read is a mistake."""
    file = tmp_path / "notes.md"
    file.write_text("```\ncode\n```\n")
    signed_in.on("POST", POST, POSTED)
    await rustygpt("post", str(TEA), "See", "--attach", str(file))
    content = decode(signed_in.asked[0].body, dict)["content"]
    assert content == "See\n\nnotes.md:\n````\n```\ncode\n```\n````"
    ran = await rustygpt("post", str(TEA), "See", "--attach", str(tmp_path))
    assert ran.code == 2
    assert "cannot be attached" in ran.err


async def test_a_reply_and_a_cancel_name_their_message(signed_in: WireServer) -> None:
    """The answer is the new id, or what became of it."""
    signed_in.on(
        "POST", f"/api/messages/{ROOT}/reply", Reply(201, Posted(REPLY, ROOT, TEA, 2, ROOT))
    )
    signed_in.on("POST", f"/api/messages/{REPLY}/cancel", Reply(202, Cancelled(REPLY, "cancelled")))
    ran = await rustygpt("reply", "--parent", str(ROOT), "Yes", "--json")
    assert json.loads(ran.out)["depth"] == 2
    assert (await rustygpt("cancel", str(REPLY))).out == "Status: cancelled\n"
    assert (await rustygpt("reply", "Yes")).code == 2
