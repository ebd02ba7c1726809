"""Marking printed messages as read."""

from typing import Any
from uuid import UUID

import pytest
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, RecordedRequest
from tests.support.sample_models import ADA, ROOT, SESSION, TIME, USER, message

from rustygpt_shared.codec import decode
from rustygpt_shared.models.messages import MessageView, ReadMarkerResult, ThreadPage
from rustygpt_shared.models.users import Me
from rustygpt_tui.client.http import connect
from rustygpt_tui.commands.read_marks import ReadMarks

BOB = UUID(int=77)


def of(seq: int, author: UUID | None = BOB, **fields: Any) -> MessageView:
    """Return a message whose id is its seq."""
    return message(UUID(int=seq), author_user_id=author, seq=seq, **fields)


def serve(server: FakeHttpServer, messages: list[MessageView], unread: int = 1) -> list[Any]:
    """Serve a thread that is read up to seq 1; return the list of seqs that are marked."""
    marked: list[Any] = []

    def mark(request: RecordedRequest) -> FakeResponse:
        marked.append(decode(request.body, dict)["seq"])
        return FakeResponse(body=ReadMarkerResult(ROOT, unread, 1))

    def page(request: RecordedRequest) -> FakeResponse:
        after = [m for m in messages if m.seq > int(request.query["after_seq"])]
        cursor = str(after[1].seq) if len(after) > 2 else None
        return FakeResponse(body=ThreadPage(ROOT, after[:2], "evt_1", cursor))

    server.on("POST", f"/api/threads/{ROOT}/read", mark)
    server.on("GET", f"/api/threads/{ROOT}/messages", page)
    server.on("GET", "/api/auth/me", FakeResponse(body=Me(USER, SESSION)))
    return marked


@pytest.mark.parametrize(
    ("messages", "printed", "marks"),
    [
        ([of(2), of(3)], {2, 3}, [0, 3]),
        ([of(2, ADA), of(3), of(4, ADA), of(5)], {3, 5}, [0, 5]),
        ([of(2), of(3), of(4)], {2, 4}, [0, 2]),
        ([of(2), of(3)], {3}, [0]),
        ([of(2, deleted_at=TIME), of(3, None)], {3}, [0, 3]),
    ],
)
async def test_the_marker_moves_over_printed_and_own_messages(
    server: FakeHttpServer, messages: list[MessageView], printed: set[int], marks: list[int]
) -> None:
    """It stops before the first message of others that was not printed, over several pages."""
    marked = serve(server, messages)
    ids = {UUID(int=seq) for seq in printed}
    async with connect(server.origin) as client:
        await ReadMarks(client).mark(ROOT, ids)
    assert marked == marks
    assert {one.int for one in ids} == {seq for seq in printed if seq > marks[-1]}


async def test_nothing_is_fetched_when_all_is_read(server: FakeHttpServer) -> None:
    """Another client may have marked the messages."""
    marked = serve(server, [of(2)], unread=0)
    ids = {UUID(int=2)}
    async with connect(server.origin) as client:
        await ReadMarks(client).mark(ROOT, ids)
    assert (marked, ids) == ([0], set())


async def test_an_error_is_ignored(server: FakeHttpServer) -> None:
    """The messages stay unread; the command has done what it was called for."""
    ids = {UUID(int=2)}
    async with connect(server.origin) as client:
        await ReadMarks(client).mark(ROOT, ids)
    assert ids
