"""The commands `conversations`."""

import json
from collections.abc import AsyncIterator
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    RecordedRequest,
    problem,
)
from tests.support.sample_models import ADA, TEA, TIME, USER, conversation

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ConversationCreated, ConversationList
from rustygpt_shared.models.users import Me

OTHER = UUID("028f0000-0000-7000-8000-000000000009")
TWO = ConversationList([conversation(), conversation(OTHER, "Coffee \x1b]0;x\x07")])


def listing(request: RecordedRequest) -> FakeResponse:
    """Return one of two pages with a conversation each; none is archived."""
    if request.query.get("archived"):
        return FakeResponse(body=ConversationList([]))
    if request.query.get("cursor"):
        return FakeResponse(body=ConversationList(TWO.conversations[1:]))
    return FakeResponse(body=ConversationList(TWO.conversations[:1], "2"))


async def test_all_pages_are_listed(signed_in: FakeHttpServer) -> None:
    """Separated by tabs, as a table on a terminal, or a line of JSON each."""
    signed_in.on("GET", "/api/conversations", listing)
    result = await rustygpt("conv", "list")
    assert [line.split("\t")[1] for line in result.out.splitlines()] == ["Tea", "Coffee ]0;x"]
    result = await rustygpt("conversations", terminal=True)
    heading = result.out.splitlines()[0]
    assert heading.split() == [
        "ID",
        "TITLE",
        "UNREAD",
        "ROLE",
        "PEOPLE",
        "ASSISTANT",
        "LAST",
        "ACTIVITY",
    ]
    result = await rustygpt("conversations", "list", "--json")
    assert [json.loads(line)["id"] for line in result.out.splitlines()] == [str(TEA), str(OTHER)]
    assert "\x1b" not in result.out


async def test_a_conversation_is_created(signed_in: FakeHttpServer) -> None:
    """Only its id is printed; options that are not given are not sent."""
    signed_in.on("POST", "/api/conversations", FakeResponse(201, ConversationCreated(TEA)))
    result = await rustygpt("conv", "create", " Tea  room ", "--group", "--mode", "off")
    assert result.out == f"{TEA}\n"
    assert decode(signed_in.requests[0].body, dict) == {
        "title": "Tea room",
        "is_group": True,
        "assistant_mode": "off",
    }
    assert (await rustygpt("conv", "create", " ")).code == 2


async def test_a_conversation_is_shown_and_renamed_by_id_or_title(
    signed_in: FakeHttpServer,
) -> None:
    """By id, beginning of an id, or title without regard to case."""
    signed_in.on("GET", "/api/conversations", listing)
    signed_in.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation()))
    signed_in.on("PATCH", f"/api/conversations/{TEA}", FakeResponse(body=conversation(title="New")))
    for name in (str(TEA), str(TEA)[:8], "TEA"):
        result = await rustygpt("conv", "show", name)
        assert result.code == 0
        assert "Title:         Tea\n" in result.out
    result = await rustygpt("conv", "rename", "tea", "New", "--json")
    assert json.loads(result.out)["title"] == "New"


async def test_a_name_that_fits_none_or_two_is_an_error(signed_in: FakeHttpServer) -> None:
    """Nothing is guessed; the ids of several are listed."""
    same_title = ConversationList([conversation(), conversation(OTHER)])
    signed_in.on(
        "GET",
        "/api/conversations",
        lambda r: FakeResponse(
            body=ConversationList([]) if r.query.get("archived") else same_title
        ),
    )
    result = await rustygpt("conv", "show", "coffee")
    assert result.code == 5
    result = await rustygpt("conv", "show", "tea")
    assert result.code == 2
    assert f"use an id: {TEA}, {OTHER}" in result.err


async def test_archive_and_unarchive_change_one_setting(signed_in: FakeHttpServer) -> None:
    """Nothing else is sent; the conversation is printed as it is then."""
    path = f"/api/conversations/{TEA}"
    signed_in.on("PATCH", path, FakeResponse(body=conversation(archived_at=TIME)))
    for words in ("archive", "unarchive"):
        result = await rustygpt("conv", words, str(TEA))
        assert (result.code, "Archived:" in result.out) == (0, True)
    bodies = [decode(request.body, dict) for request in signed_in.requests]
    assert bodies == [{"archived": True}, {"archived": False}]


async def test_delete_needs_yes(signed_in: FakeHttpServer) -> None:
    """Without it, an error of usage says what would be gone, and nothing is sent."""
    path = f"/api/conversations/{TEA}"
    signed_in.on("GET", path, FakeResponse(body=conversation()))
    signed_in.on("DELETE", path, FakeResponse(204))
    refused = await rustygpt("conv", "delete", str(TEA))
    assert refused.code == 2
    assert "Everything in 'Tea' would be gone, for you; add --yes" in refused.err
    assert signed_in.request_count("DELETE", path) == 0
    done = await rustygpt("conv", "delete", str(TEA), "--yes")
    assert (done.code, done.out) == (0, "")
    assert signed_in.request_count("DELETE", path) == 1


async def test_leave_removes_oneself(signed_in: FakeHttpServer) -> None:
    """The refusal of the last owner is one sentence."""
    path = f"/api/conversations/{TEA}/participants/{ADA}"
    signed_in.on("GET", "/api/auth/me", FakeResponse(body=Me(USER)))
    signed_in.on("DELETE", path, FakeResponse(204))
    assert (await rustygpt("conv", "leave", str(TEA))).code == 0
    signed_in.on("DELETE", path, problem(409, "RGP.CONFLICT", "This is the last owner."))
    refused = await rustygpt("conv", "leave", str(TEA))
    assert (refused.code, refused.err) == (1, "rustygpt: This is the last owner.\n")


async def test_an_export_cannot_control_a_terminal(signed_in: FakeHttpServer) -> None:
    """Control characters of what is shown on a terminal are removed."""

    async def chunks() -> AsyncIterator[bytes]:
        yield "before \x1b[31m \xe2".encode() + b"\xe2\x82"
        yield b"\xac after\n"

    signed_in.on("GET", f"/api/conversations/{TEA}/export", FakeResponse(stream=chunks()))
    result = await rustygpt("conversations", "export", str(TEA), terminal=True)

    assert result.code == 0
    assert "\x1b" not in result.out
    assert "€ after\n" in result.out
