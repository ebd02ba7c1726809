"""A model of reading on the screen: read is what was on screen, and nothing else."""

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.tui.app_driver import in_conversation
from tests.tui.screens.reading_model import KEYS, MOMENT, ReadingScreen, post_anywhere, two_threads

from rustygpt_tui.conversation.timing import Timing

Step = tuple[str, int, int]
WEIGHTS = {
    "post": 8,
    "begin_answer": 1,
    "end_answer": 2,
    "delete": 1,
    "switch": 2,
    "blur": 1,
    "focus": 2,
    "dialog": 1,
    "resize": 1,
    "cut": 1,
    "read_elsewhere": 1,
    "unread_elsewhere": 1,
    "mark_read": 1,
    "mark_unread": 1,
    "next_unread": 1,
    **dict.fromkeys(KEYS, 1),
}
NAMES = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
STEPS = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 20), st.integers(0, 20)),
    min_size=4,
    max_size=25,
)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Without making failing examples smaller, which takes minutes."""
RARE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


async def _check(before: int, steps: list[Step]) -> None:
    """Run the steps in a chat that opens with `before` unread messages."""
    async with fake_chat_server(two_threads()) as chat:
        for number in range(before):
            post_anywhere(chat, number, number * number)
        async with in_conversation(chat, timing=Timing(seen_after=MOMENT)) as driver:
            screen = ReadingScreen(chat, driver)
            await driver.pilot.press("tab")
            await screen.settle()
            for done, step in enumerate(steps):
                try:
                    await screen.run(*step)
                except (AssertionError, TimeoutError) as failure:
                    failure.add_note(f"before={before}, steps={steps[: done + 1]}")
                    raise


@settings(max_examples=8, phases=PHASES, suppress_health_check=RARE)
@given(st.integers(0, 30), STEPS)
@example(25, [("resize", 6, 19), ("blur", 3, 20), ("unread_elsewhere", 0, 1), ("focus", 0, 2)])
@example(24, [("unread_elsewhere", 4, 0), ("switch", 13, 19), ("switch", 6, 7)])
async def test_read_is_what_was_on_screen(before: int, steps: list[Step]) -> None:
    """After each step, unread is what was never on screen and is not by oneself."""
    await _check(before, steps)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=10, phases=PHASES, suppress_health_check=RARE)
@given(st.integers(0, 30), STEPS)
async def test_read_is_what_was_on_screen_in_many_orders(before: int, steps: list[Step]) -> None:
    """The same with more examples."""
    await _check(before, steps)
