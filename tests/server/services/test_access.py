"""What a process does about rights that were given or taken."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from tests.support.components.hub_harness import (
    CONVERSATION_ID,
    MemoryEventLog,
    make_hub,
    make_subscriber,
    membership,
)
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.db import access_changes, participants
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.subscriber import Subscriber
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.access import AccessMonitor


class Process:
    """The rights of a process, on a hub whose log lacks what is not put into it."""

    def __init__(self, scene: DatabaseBuilder) -> None:
        self.clock = FakeClock()
        self.log = MemoryEventLog()
        self.hub: Hub = make_hub(self.log, self.clock)
        self.rights = AccessMonitor(scene.db, self.hub, Runtime(self.clock))
        self.heard: list[AccessChange | None] = []
        self.rights.subscribe(self.heard.append)


@pytest.fixture
async def process(builder: DatabaseBuilder) -> AsyncIterator[Process]:
    """A process that has begun to read the log."""
    process = Process(builder)
    await process.rights.poll()
    process.rights.gap_detected = False
    process.heard.clear()
    yield process
    await process.hub.catch_up.stop()


def over(reader: Subscriber) -> bool:
    """Whether a stream is being ended."""
    return reader.close_frame is not None


def removed(user_id: UUID, number: int) -> AccessChange:
    """Somebody was taken out of the room."""
    return AccessChange("removed", user_id, None, CONVERSATION_ID, number)


async def test_what_was_before_is_not_heard(builder: DatabaseBuilder) -> None:
    """A process that begins may have asked and opened streams already: none of it counts."""
    ada = await builder.person("ada")
    await builder.conversation(ada)
    process = Process(builder)
    await process.rights.poll()
    assert process.rights.gap_detected
    room = await builder.conversation(ada)
    await process.rights.poll()

    assert process.heard == [None, AccessChange("added", ada, None, room)]


async def test_a_long_log_is_read_to_its_end(
    builder: DatabaseBuilder, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one round, whatever the size of a page."""
    monkeypatch.setattr("rustygpt_server.services.access.PAGE", 2)
    ada = await builder.person("ada")
    rooms = [await builder.conversation(ada) for _ in range(5)]
    await process.rights.poll()

    assert [c.conversation_id for c in process.heard if c] == rooms


@pytest.mark.parametrize("case", ["pruned", "restored"])
async def test_a_log_that_says_too_little_is_noticed(
    builder: DatabaseBuilder, process: Process, case: str
) -> None:
    """Controls are missing, or the log is shorter than it was: nothing known counts any more."""
    ada = await builder.person("ada")
    for _ in range(3):
        await builder.conversation(ada)
    if case == "restored":
        process.rights._last_number = 9
    else:
        await access_changes.prune_access_changes(builder.db, 1)
    await process.rights.poll()

    assert process.rights.gap_detected
    assert process.heard[0] is None
    process.rights.gap_detected = False
    await process.rights.poll()
    assert not process.rights.gap_detected


async def test_numbers_of_a_log_that_is_gone_do_not_count(process: Process) -> None:
    """After a restore a removal has a lower number than what was heard of before."""
    reader = make_subscriber(process.hub)
    process.rights.apply(AccessChange("added", reader.identity.user_id, None, CONVERSATION_ID, 100))
    process.rights._last_number = 9
    await process.rights.poll()
    process.rights.apply(removed(reader.identity.user_id, 51))

    assert process.heard[1:] == [None, removed(reader.identity.user_id, 51)]


async def test_the_end_of_a_session_ends_its_streams(
    builder: DatabaseBuilder, process: Process
) -> None:
    """Others go on; who was let in by the session a moment before gets no further."""
    mine, other = make_subscriber(process.hub), make_subscriber(process.hub)
    who = mine.identity
    for _ in range(2):
        process.rights.apply(AccessChange("session_ended", who.user_id, who.session_id))

    assert (over(mine), over(other)) == (True, False)
    with pytest.raises(NotSignedIn):
        process.rights.reject_if_ended(who.session_id)
    process.rights.reject_if_ended(other.identity.session_id)
    process.clock.advance(61)
    await process.rights.poll()
    process.rights.reject_if_ended(who.session_id)


async def test_a_disabled_person_is_told_so(process: Process) -> None:
    """The streams end with a reason of their own."""
    reader = make_subscriber(process.hub)
    who = reader.identity
    process.rights.apply(AccessChange("disabled", who.user_id, who.session_id))

    assert b'"reason":"disabled"' in (reader.close_frame or b"")


async def test_a_removal_waits_for_its_event(process: Process) -> None:
    """The removed person hears of it in order; but not for ever."""
    reader, late = make_subscriber(process.hub), make_subscriber(process.hub)
    process.hub.channel(CONVERSATION_ID).start(0)
    user, other = reader.identity.user_id, late.identity.user_id
    process.rights.apply(removed(user, 1))
    process.rights.apply(removed(other, 2))
    process.rights.close_overdue_removals()
    assert (over(reader), over(late)) == (False, False)
    process.hub.publish(CONVERSATION_ID, [membership(1, user, "removed")])
    assert (over(reader), over(late)) == (True, False)
    process.clock.advance(0.3)
    process.rights.close_overdue_removals()

    assert over(late)


async def test_an_old_removal_ends_no_newer_stream(process: Process) -> None:
    """Neither at once nor later."""
    reader = make_subscriber(process.hub)
    reader.subscriptions[0].authorized_at = 7
    process.rights.apply(removed(reader.identity.user_id, 6))
    process.clock.advance(1)
    process.rights.close_overdue_removals()
    process.hub.channel(CONVERSATION_ID).start(7)
    process.rights.apply(removed(reader.identity.user_id, 7))

    assert not over(reader)


async def test_memberships_are_heard_in_order(process: Process) -> None:
    """What a word has said already is no news when the log says it again."""
    user = uuid4()
    added, gone = AccessChange("added", user, None, CONVERSATION_ID, 5), removed(user, 7)
    for control in (gone, added, gone, AccessChange("added", user, None, CONVERSATION_ID, 8)):
        process.rights.apply(control)

    assert [c.event_number for c in process.heard if c] == [7, 8]


async def test_a_right_is_looked_at_after_the_removal_it_knows_of(builder: DatabaseBuilder) -> None:
    """What opens a stream tells of the same moment as the membership that it stands on."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob)
    await participants.remove_participant(builder.db, ada, room, bob, builder.now)
    await participants.add_participant(builder.db, ada, room, bob, "member", builder.now)
    told = (await access_changes.read_access_changes(builder.db, 0, 10)).changes
    gone = next(control for control in told if control.kind == "removed")

    assert (await builder.log_bounds(bob, room)).position > gone.event_number
