"""The commands `search` and `open`."""

import json
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA, TIME, conversation, message

from rustygpt_shared.models.search import Fragment, SearchHit, SearchResult
from rustygpt_shared.problems import Problem


def _hit(id: UUID = REPLY, text: str = "the canary failed") -> SearchHit:
    fragments = [Fragment("the ", False), Fragment("canary", True), Fragment(" failed", False)]
    return SearchHit(message(id, text), "Tea", "Hello", fragments)


def _found(server: FakeHttpServer, *pages: SearchResult) -> None:
    server.on("GET", "/api/search", *(FakeResponse(body=page) for page in pages))


async def test_hits_are_lines(signed_in: FakeHttpServer) -> None:
    """Columns separated by tabs; the last word is complete."""
    _found(signed_in, SearchResult([_hit()], True))
    result = await rustygpt("search", "the", "canary")

    time = TIME.isoformat().replace("+00:00", "Z")
    assert result.out == f"{REPLY}\tTea\tAda\t{time}\tthe canary failed\n"
    assert signed_in.requests[0].query == {"q": "the canary ", "limit": "20"}
    assert (result.code, result.err) == (0, "")


async def test_hits_are_readable_on_a_terminal(signed_in: FakeHttpServer) -> None:
    """By conversation; what others wrote cannot control the terminal."""
    hostile = SearchHit(message(), "T\x1b[2Jea", "x", [Fragment("a\x1b]0;x\x07\nb", False)])
    _found(signed_in, SearchResult([_hit(), hostile], True))
    result = await rustygpt("search", "canary", terminal=True)

    lines = result.out.splitlines()
    assert lines[0] == "Tea"
    assert lines[1].startswith(f"  {REPLY} · ")
    assert lines[2] == "    the canary failed"
    assert lines[3] == "T[2Jea"
    assert "\x1b" not in result.out


async def test_json_is_one_object_per_line(signed_in: FakeHttpServer) -> None:
    """Each is the hit as the server has it."""
    _found(signed_in, SearchResult([_hit(), _hit(ROOT)], True))
    result = await rustygpt("search", "canary", "--json")

    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["message"]["id"] for line in lines] == [str(REPLY), str(ROOT)]
    assert lines[0]["highlight"][1] == {"text": "canary", "is_match": True}


async def test_pages_are_fetched_up_to_the_limit(signed_in: FakeHttpServer) -> None:
    """A page without a hit is not the end; a note says that there may be more."""
    _found(
        signed_in,
        SearchResult([_hit()], True, "c1"),
        SearchResult([], True, "c2"),
        SearchResult([_hit(ROOT), _hit(TEA)], False, "c3"),
    )
    result = await rustygpt("search", "canary", "--limit", "2")

    assert [line.split("\t")[0] for line in result.out.splitlines()] == [str(REPLY), str(ROOT)]
    assert "more messages; list more with --limit" in result.err
    assert "Not all messages were searched" in result.err
    assert [request.query.get("cursor") for request in signed_in.requests] == [None, "c1", "c2"]


async def test_nothing_found_is_a_note(signed_in: FakeHttpServer) -> None:
    """On standard error, so that a pipe gets nothing; a conversation narrows the search."""
    _found(signed_in, SearchResult([], True))
    result = await rustygpt("search", "zeppelin", "--conversation", str(TEA))

    assert (result.code, result.out, result.err) == (
        0,
        "",
        "No message was found; `word*` also finds longer words.\n",
    )
    assert signed_in.requests[0].query["conversation_id"] == str(TEA)


async def test_open_prints_the_message_in_a_pipe(signed_in: FakeHttpServer) -> None:
    """By its link, that of the page, its id, or as JSON."""
    signed_in.on(
        "GET", f"/api/messages/{REPLY}", FakeResponse(body=message(REPLY, "a\x1b[1m text"))
    )
    places = (
        f"{signed_in.origin}/#/m/{REPLY}",
        f"{signed_in.origin}/#/c/{TEA}/t/{ROOT}/m/{REPLY}",
        f"#/m/{REPLY}",
        str(REPLY),
    )
    assert [(await rustygpt("open", place)).out for place in places] == ["a[1m text\n"] * 4
    printed = json.loads((await rustygpt("open", places[0], "--json")).out)
    assert printed["content"] == "a\x1b[1m text"


async def test_open_prints_the_title_of_a_conversation(signed_in: FakeHttpServer) -> None:
    """Its link has no message."""
    signed_in.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation()))
    assert (await rustygpt("open", f"{signed_in.origin}/#/c/{TEA}")).out == "Tea\n"


async def test_open_says_why_not(signed_in: FakeHttpServer) -> None:
    """In one sentence: deleted, unknown, another server's, no link."""
    deleted = message(REPLY, "", deleted_at=TIME)
    signed_in.on("GET", f"/api/messages/{REPLY}", FakeResponse(body=deleted))
    sentence = "There is no such message, or you are not in it."
    problem = Problem("t", "Not Found", 404, sentence, "RGP.NOT_FOUND", sentence, "r")
    signed_in.on("GET", f"/api/messages/{ROOT}", FakeResponse(404, problem))
    expected = {
        f"{signed_in.origin}/#/m/{REPLY}": (5, "This message was deleted."),
        f"{signed_in.origin}/#/m/{ROOT}": (5, sentence),
        f"https://evil.example/#/m/{REPLY}": (2, "This link is of https://evil.example, and"),
        "https://evil.example/": (2, "This is not the link of a message"),
        "nothing": (2, "is not an id"),
    }
    for place, (code, words) in expected.items():
        result = await rustygpt("open", place)
        assert (result.code, words in result.err, result.out) == (code, True, ""), result.err
    messages = {r.path for r in signed_in.requests if "/messages/" in r.path}
    assert messages == {f"/api/messages/{REPLY}", f"/api/messages/{ROOT}"}
