"""What was written and is on its way."""

from uuid import UUID

import pytest
from tests.support.wire_server import Reply, problem, wire_server

from rustygpt_shared.models.messages import Posted
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.session import Session
from rustygpt_tui.errors import Failure
from rustygpt_tui.screens.outbox import Attempt, Outbox

ROOM, ROOT = UUID(int=1), UUID(int=2)


def _posted(number: int) -> Reply:
    return Reply(201, Posted(UUID(int=number), ROOT, ROOM, 2, ROOT))


async def test_a_second_message_answers_the_first_before_it_came_back() -> None:
    """Two quick messages stand one under the other, not side by side."""
    async with wire_server() as wire, Client(Session(wire.origin)) as client:
        wire.on("POST", f"/api/messages/{ROOT}/reply", _posted(10))
        wire.on("POST", f"/api/messages/{UUID(int=10)}/reply", _posted(11))
        outbox = Outbox(client)
        await outbox.send(Attempt("one", ROOM, ROOT, ROOT))
        await outbox.send(Attempt("two", ROOM, ROOT, ROOT))
        assert wire.counted("POST", f"/api/messages/{UUID(int=10)}/reply") == 1
        assert [attempt.text for attempt in outbox.waiting] == ["one", "two"]
        outbox.seen(UUID(int=10))
        assert [attempt.text for attempt in outbox.waiting] == ["two"]


async def test_a_failed_attempt_is_tried_again_as_the_same() -> None:
    """Key and place stay; nothing waits after the failure."""
    async with wire_server() as wire, Client(Session(wire.origin)) as client:
        away = problem(503, "RGP.UNAVAILABLE", "The database is away.")
        wire.on("POST", f"/api/messages/{ROOT}/reply", away, away, _posted(10))
        outbox, attempt = Outbox(client), Attempt("one", ROOM, ROOT)
        with pytest.raises(Failure):
            await outbox.send(attempt)
        assert outbox.waiting == []
        while attempt.posted is None:
            try:
                await outbox.send(attempt)
            except Failure:
                continue
        keys = {asked.headers["idempotency-key"] for asked in wire.asked}
        assert keys == {attempt.key}
