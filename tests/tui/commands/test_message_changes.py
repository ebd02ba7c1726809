"""The commands `edit`, `delete`, `restore` and `revisions`."""

import json
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import ADA, REPLY, ROOT, TIME, message

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import Revision, RevisionList

PATH = f"/api/messages/{ROOT}"


async def test_edit_sends_the_text_and_the_reason(signed_in: FakeHttpServer) -> None:
    """The text is words or standard input, as with `post`; nothing is printed."""
    signed_in.on("POST", f"{PATH}/edit", FakeResponse(204))
    results = [
        await rustygpt("edit", str(ROOT), "Hello", "there", "--reason", "a slip"),
        await rustygpt("edit", str(ROOT), "-", stdin="from a pipe\n"),
    ]
    assert [(result.code, result.out) for result in results] == [(0, ""), (0, "")]
    bodies = [decode(request.body, dict) for request in signed_in.requests]
    assert bodies == [{"content": "Hello there", "reason": "a slip"}, {"content": "from a pipe"}]


async def test_delete_and_restore_name_a_message(signed_in: FakeHttpServer) -> None:
    """A refusal is one sentence, and the exit code says what it was."""
    signed_in.on("POST", f"{PATH}/delete", FakeResponse(204))
    signed_in.on(
        "POST", f"{PATH}/restore", problem(403, "RGP.RBAC.FORBIDDEN", "Only an administrator may.")
    )
    assert (await rustygpt("delete", str(ROOT), "--reason", "spam")).code == 0
    assert decode(signed_in.requests[-1].body, dict) == {"reason": "spam"}
    refused = await rustygpt("restore", str(ROOT))
    assert (refused.code, refused.err) == (6, "rustygpt: Only an administrator may.\n")


async def test_a_text_that_does_not_fit_is_not_sent(signed_in: FakeHttpServer) -> None:
    """No text, and a reason of 501 characters."""
    for words in (("edit", str(ROOT)), ("delete", str(ROOT), "--reason", "x" * 501)):
        assert (await rustygpt(*words, stdin="")).code == 2
    assert signed_in.requests == []


async def test_revisions_are_printed_with_who_and_when(signed_in: FakeHttpServer) -> None:
    """Latest first; nothing in them controls the terminal; JSON is one per line."""
    texts = [
        Revision(2, "\x1b[31mred", TIME, "edited", TIME, ADA, reason="a slip"),
        Revision(1, "first\nline", TIME, "edited", TIME, UUID(int=9)),
    ]
    signed_in.on("GET", PATH, FakeResponse(body=message()))
    signed_in.on("GET", f"{PATH}/revisions", FakeResponse(body=RevisionList(texts)))
    printed = (await rustygpt("revisions", str(ROOT))).out
    assert printed.count("── ") == 2
    assert "by somebody: a slip\n[31mred\n" in printed
    assert printed.endswith("by somebody\nfirst\nline\n")
    lines = (await rustygpt("revisions", str(ROOT), "--json", "--limit", "1")).out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [2]


async def test_an_unknown_message_is_not_found(signed_in: FakeHttpServer) -> None:
    """The exit code is 5."""
    signed_in.on("POST", f"/api/messages/{REPLY}/edit", problem(404, "RGP.NOT_FOUND", "No."))
    assert (await rustygpt("edit", str(REPLY), "x")).code == 5
