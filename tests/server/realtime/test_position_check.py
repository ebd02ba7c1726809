"""Positions are compared at an interval, and at once when events may have been missed."""

from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness, numbers
from tests.support.fakes.fake_clock import FakeClock
from tests.support.wait import until

from rustygpt_server.db.database import Database
from rustygpt_server.realtime.backplane_handler import BackplaneHandler, Handlers
from rustygpt_server.realtime.position_check import PositionCheck


class CheckHarness:
    """A hub with one subscriber, and the check of its positions."""

    def __init__(self, db: Database) -> None:
        self.clock = FakeClock()
        self.harness = HubHarness(clock=self.clock)
        self.subscriber = self.harness.live_subscriber()
        self.handler = BackplaneHandler(
            self.harness.hub,
            self.harness.catch_up,
            self.harness.backplane,
            self.harness.realtime.remote_answers,
            Handlers(*[lambda *_: None] * 7),
        )
        runtime = self.harness.runtime
        self.check = PositionCheck(db, self.handler, self.harness.catch_up, runtime)

    @property
    def is_behind(self) -> bool:
        """True if the check has noticed an event."""
        return self.harness.catch_up.is_behind(CONVERSATION_ID)


async def test_positions_are_compared_at_an_interval(database: Database) -> None:
    """The interval varies by a fifth at most."""
    harness = CheckHarness(database)
    await harness.harness.backplane.start(harness.handler)
    await harness.check.check_if_due()
    harness.harness.log.add()
    harness.clock.advance(harness.harness.limits.position_check * 0.79)
    await harness.check.check_if_due()
    assert not harness.is_behind
    harness.clock.advance(harness.harness.limits.position_check * 0.42)
    await harness.check.check_if_due()

    assert harness.is_behind
    await harness.harness.catch_up.stop()


async def test_positions_are_compared_at_once_without_a_backplane(database: Database) -> None:
    """Positions of other processes are missed then."""
    harness = CheckHarness(database)
    await harness.check.check_if_due()
    harness.harness.log.add()
    await harness.check.check_if_due()

    assert harness.is_behind
    await harness.harness.catch_up.stop()


async def test_positions_are_compared_after_a_write_without_a_result(database: Database) -> None:
    """The write may be committed, and its events were not published."""
    harness = CheckHarness(database)
    harness.harness.log.add()
    await harness.check.check_if_unconfirmed()
    database.unconfirmed += 1
    await harness.check.check_if_unconfirmed()
    await until(lambda: harness.harness.channel.position == 1)

    assert numbers(harness.harness.queued_data(harness.subscriber)) == [1]
