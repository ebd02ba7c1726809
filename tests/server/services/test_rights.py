"""What a process does about rights that were given or taken."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from tests.support.clocks import TestClock
from tests.support.event_log import ROOM, ListLog, make_hub, make_reader, membership
from tests.support.scene import Scene

from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import controls, members
from rustygpt_server.db.controls import Control
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.reader import Reader
from rustygpt_server.services.rights import Rights


class Process:
    """The rights of a process, on a hub whose log lacks what is not put into it."""

    def __init__(self, scene: Scene) -> None:
        self.clock = TestClock()
        self.log = ListLog()
        self.hub: Hub = make_hub(self.log, self.clock)
        self.rights = Rights(scene.db, self.hub, TimeLimits(), self.clock)
        self.heard: list[Control | None] = []
        self.rights.watch(self.heard.append)


@pytest.fixture
async def process(scene: Scene) -> AsyncIterator[Process]:
    """A process that has begun to read the log."""
    process = Process(scene)
    await process.rights.poll()
    process.rights.missed = False
    process.heard.clear()
    yield process
    await process.hub.catch_up.stop()


def over(reader: Reader) -> bool:
    """Whether a stream is being ended."""
    return reader.closing is not None


def removed(user_id: UUID, number: int) -> Control:
    """Somebody was taken out of the room."""
    return Control("removed", user_id, None, ROOM, number)


async def test_what_was_before_is_not_heard(scene: Scene) -> None:
    """A process that begins may have asked and opened streams already: none of it counts."""
    ada = await scene.person("ada")
    await scene.room(ada)
    process = Process(scene)
    await process.rights.poll()
    assert process.rights.missed
    room = await scene.room(ada)
    await process.rights.poll()

    assert process.heard == [None, Control("added", ada, None, room)]


async def test_a_long_log_is_read_to_its_end(
    scene: Scene, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one round, whatever the size of a page."""
    monkeypatch.setattr("rustygpt_server.services.rights.PAGE", 2)
    ada = await scene.person("ada")
    rooms = [await scene.room(ada) for _ in range(5)]
    await process.rights.poll()

    assert [c.conversation_id for c in process.heard if c] == rooms


@pytest.mark.parametrize("case", ["pruned", "restored"])
async def test_a_log_that_says_too_little_is_noticed(
    scene: Scene, process: Process, case: str
) -> None:
    """Controls are missing, or the log is shorter than it was: nothing known counts any more."""
    ada = await scene.person("ada")
    for _ in range(3):
        await scene.room(ada)
    if case == "restored":
        process.rights._number = 9
    else:
        await controls.prune_controls(scene.db, 1)
    await process.rights.poll()

    assert process.rights.missed
    assert process.heard[0] is None
    process.rights.missed = False
    await process.rights.poll()
    assert not process.rights.missed


async def test_numbers_of_a_log_that_is_gone_do_not_count(process: Process) -> None:
    """After a restore a removal has a lower number than what was heard of before."""
    reader = make_reader(process.hub)
    process.rights.act(Control("added", reader.identity.user_id, None, ROOM, 100))
    process.rights._number = 9
    await process.rights.poll()
    process.rights.act(removed(reader.identity.user_id, 51))

    assert process.heard[1:] == [None, removed(reader.identity.user_id, 51)]


async def test_the_end_of_a_session_ends_its_streams(scene: Scene, process: Process) -> None:
    """Others go on; who was let in by the session a moment before gets no further."""
    mine, other = make_reader(process.hub), make_reader(process.hub)
    who = mine.identity
    for _ in range(2):
        process.rights.act(Control("session_ended", who.user_id, who.session_id))

    assert (over(mine), over(other)) == (True, False)
    with pytest.raises(NotSignedIn):
        process.rights.refuse_over(who.session_id)
    process.rights.refuse_over(other.identity.session_id)
    process.clock.move(61)
    await process.rights.poll()
    process.rights.refuse_over(who.session_id)


async def test_a_disabled_person_is_told_so(process: Process) -> None:
    """The streams end with a reason of their own."""
    reader = make_reader(process.hub)
    who = reader.identity
    process.rights.act(Control("disabled", who.user_id, who.session_id))

    assert b'"reason":"disabled"' in (reader.closing or b"")


async def test_a_removal_waits_for_its_event(process: Process) -> None:
    """The removed person hears of it in order; but not for ever."""
    reader, late = make_reader(process.hub), make_reader(process.hub)
    process.hub.channel(ROOM).start(0)
    user, other = reader.identity.user_id, late.identity.user_id
    process.rights.act(removed(user, 1))
    process.rights.act(removed(other, 2))
    process.rights.end_late()
    assert (over(reader), over(late)) == (False, False)
    process.hub.publish(ROOM, [membership(1, user, "removed")])
    assert (over(reader), over(late)) == (True, False)
    process.clock.move(0.3)
    process.rights.end_late()

    assert over(late)


async def test_an_old_removal_ends_no_newer_stream(process: Process) -> None:
    """Neither at once nor later."""
    reader = make_reader(process.hub)
    reader.seats[0].checked = 7
    process.rights.act(removed(reader.identity.user_id, 6))
    process.clock.move(1)
    process.rights.end_late()
    process.hub.channel(ROOM).start(7)
    process.rights.act(removed(reader.identity.user_id, 7))

    assert not over(reader)


async def test_memberships_are_heard_in_order(process: Process) -> None:
    """What a word has said already is no news when the log says it again."""
    user = uuid4()
    added, gone = Control("added", user, None, ROOM, 5), removed(user, 7)
    for control in (gone, added, gone, Control("added", user, None, ROOM, 8)):
        process.rights.act(control)

    assert [c.event for c in process.heard if c] == [7, 8]


async def test_a_right_is_looked_at_after_the_removal_it_knows_of(scene: Scene) -> None:
    """What opens a stream tells of the same moment as the membership that it stands on."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob)
    await members.remove_participant(scene.db, ada, room, bob, scene.now)
    await members.add_participant(scene.db, ada, room, bob, "member", scene.now)
    told = (await controls.read_controls(scene.db, 0, 10)).controls
    gone = next(control for control in told if control.kind == "removed")

    assert (await scene.opening(bob, room)).position > gone.event
