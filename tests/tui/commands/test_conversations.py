"""conversations, members, users."""

import json
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import TEA, conversation

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ConversationCreated, ConversationList

OTHER = UUID("028f0000-0000-7000-8000-000000000009")
TWO = ConversationList([conversation(), conversation(OTHER, "Coffee \x1b]0;x\x07")])


def listing(asked: RecordedRequest) -> FakeResponse:
    """Two conversations on two pages; none is archived."""
    if asked.query.get("archived"):
        return FakeResponse(body=ConversationList([]))
    if asked.query.get("cursor"):
        return FakeResponse(body=ConversationList(TWO.conversations[1:]))
    return FakeResponse(body=ConversationList(TWO.conversations[:1], "2"))


async def test_a_list_is_fetched_to_its_end(signed_in: FakeHttpServer) -> None:
    """Every page, as columns by tabs, as a table, or as a line of JSON each."""
    signed_in.on("GET", "/api/conversations", listing)
    ran = await rustygpt("conv", "list")
    assert [line.split("\t")[1] for line in ran.out.splitlines()] == ["Tea", "Coffee ]0;x"]
    ran = await rustygpt("conversations", terminal=True)
    assert ran.out.splitlines()[0].split() == [
        *("ID", "TITLE", "UNREAD", "ROLE", "PEOPLE", "ASSISTANT", "LAST", "ACTIVITY")
    ]
    ran = await rustygpt("conversations", "list", "--json")
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [str(TEA), str(OTHER)]
    assert "\x1b" not in ran.out


async def test_a_conversation_is_made(signed_in: FakeHttpServer) -> None:
    """Its id is all that is printed; what was not said is not sent."""
    signed_in.on("POST", "/api/conversations", FakeResponse(201, ConversationCreated(TEA)))
    ran = await rustygpt("conv", "create", " Tea  room ", "--group", "--mode", "off")
    assert ran.out == f"{TEA}\n"
    assert decode(signed_in.requests[0].body, dict) == {
        "title": "Tea room",
        "is_group": True,
        "assistant_mode": "off",
    }
    assert (await rustygpt("conv", "create", " ")).code == 2


async def test_a_conversation_is_shown_and_renamed_by_any_name(signed_in: FakeHttpServer) -> None:
    """By id, beginning of an id, or title in any case."""
    signed_in.on("GET", "/api/conversations", listing)
    signed_in.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation()))
    signed_in.on("PATCH", f"/api/conversations/{TEA}", FakeResponse(body=conversation(title="New")))
    for name in (str(TEA), str(TEA)[:8], "TEA"):
        ran = await rustygpt("conv", "show", name)
        assert ran.code == 0
        assert "Title:         Tea\n" in ran.out
    ran = await rustygpt("conv", "rename", "tea", "New", "--json")
    assert json.loads(ran.out)["title"] == "New"


async def test_a_name_that_fits_none_or_two_is_told(signed_in: FakeHttpServer) -> None:
    """Nothing is guessed."""
    twice = ConversationList([conversation(), conversation(OTHER)])
    signed_in.on(
        "GET",
        "/api/conversations",
        lambda a: FakeResponse(body=ConversationList([]) if a.query.get("archived") else twice),
    )
    ran = await rustygpt("conv", "show", "coffee")
    assert ran.code == 5
    ran = await rustygpt("conv", "show", "tea")
    assert ran.code == 2
    assert f"take an id: {TEA}, {OTHER}" in ran.err
