"""Where every entry stands."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.sample_threads import ME, NAMES, chain, message

from rustygpt_tui.render import plain
from rustygpt_tui.widgets.transcript.entries import EntryContext, entries
from rustygpt_tui.widgets.transcript.layout import Layout

CONTEXT = EntryContext(ME, NAMES, {})


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=6), st.integers(20, 60))
@settings(deadline=None)
def test_it_shows_what_it_was_given_last(steps: list[set[int]], limit: int) -> None:
    """However entries come and go, rows add up to those of the entries there are."""
    flow = Layout(lambda _: None)
    flow.resize(limit)
    for numbers in steps:
        flow.set_entries(entries(chain(sorted(numbers)), CONTEXT))
        flow.measure(0, 10_000)

    fresh = Layout(lambda _: None)
    fresh.resize(limit)
    fresh.set_entries(entries(chain(sorted(steps[-1])), CONTEXT))
    fresh.measure(0, 10_000)
    assert flow.total == fresh.total
    assert [flow.line(row) for row in range(flow.total)] == [
        fresh.line(row) for row in range(fresh.total)
    ]


def test_a_changed_message_gets_a_new_page() -> None:
    """An edit is drawn anew, its neighbours are not."""
    flow = Layout(lambda _: None)
    flow.set_entries(entries([message(0), message(1)], CONTEXT))
    first = flow.rendered(0)
    flow.rendered(1)
    flow.set_entries(entries([message(0), message(1, "edited\n\ntwice")], CONTEXT))

    assert flow.rendered(0) is first
    assert [plain(line) for line in flow.rendered(1).body] == ["edited", "", "twice"]
    assert flow.height(1) == 5
