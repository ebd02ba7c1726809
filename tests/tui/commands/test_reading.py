"""The commands `threads`, `unread` and `read`."""

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA, conversation, thread

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import (
    ConversationList,
    ThreadList,
    ThreadUnread,
    UnreadList,
)
from rustygpt_shared.models.messages import ReadMarkerResult


async def test_threads_are_listed_up_to_a_limit(signed_in: FakeHttpServer) -> None:
    """A note on standard error says that there are more."""
    page = ThreadList([thread(excerpt="a\nb"), thread(REPLY, unread=2)], "evt_1")
    signed_in.on("GET", f"/api/conversations/{TEA}/threads", FakeResponse(body=page))
    result = await rustygpt("threads", str(TEA))
    assert [line.split("\t")[5] for line in result.out.splitlines()] == ["a b", "Hello"]
    assert result.err == ""
    result = await rustygpt("threads", str(TEA), "--limit", "1")
    assert len(result.out.splitlines()) == 1
    assert "more than 1" in result.err


async def test_unread_threads_of_all_conversations_are_listed(signed_in: FakeHttpServer) -> None:
    """Only conversations with unread messages are queried."""
    both = ConversationList([conversation(unread=3), conversation(ROOT, "Read")])
    signed_in.on("GET", "/api/conversations", FakeResponse(body=both))
    listed = UnreadList([ThreadUnread(ROOT, 3, 1)], "evt_1")
    signed_in.on("GET", f"/api/conversations/{TEA}/unread", FakeResponse(body=listed))
    result = await rustygpt("unread")
    assert (result.code, result.out) == (0, f"Tea\t{ROOT}\t3\n")
    signed_in.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation()))
    assert (await rustygpt("unread", str(TEA))).out == result.out


async def test_a_thread_is_marked_read(signed_in: FakeHttpServer) -> None:
    """Up to its end, or up to a message."""
    signed_in.on(
        "POST", f"/api/threads/{ROOT}/read", FakeResponse(body=ReadMarkerResult(ROOT, 0, 2))
    )
    assert (await rustygpt("read", str(ROOT))).out == "Unread: 0\n"
    await rustygpt("read", str(ROOT), "--message", str(REPLY))
    bodies = [decode(request.body, dict) for request in signed_in.requests]
    assert bodies == [{}, {"message_id": str(REPLY)}]
