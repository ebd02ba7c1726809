"""The layout of entries in rows."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tui.sample_threads import ME, NAMES, chain, message

from rustygpt_tui.render import plain
from rustygpt_tui.widgets.transcript.entries import EntryContext, entries
from rustygpt_tui.widgets.transcript.layout import Layout

CONTEXT = EntryContext(ME, NAMES)


@given(st.lists(st.sets(st.integers(0, 30)), min_size=1, max_size=6), st.integers(20, 60))
@settings(deadline=None)
def test_rows_are_those_of_the_last_entries(steps: list[set[int]], limit: int) -> None:
    """After any changes of entries, the rows equal those of a new layout."""
    layout = Layout(lambda _: None)
    layout.resize(limit)
    for numbers in steps:
        layout.set_entries(entries(chain(sorted(numbers)), CONTEXT))
        layout.measure(0, 10_000)

    new_layout = Layout(lambda _: None)
    new_layout.resize(limit)
    new_layout.set_entries(entries(chain(sorted(steps[-1])), CONTEXT))
    new_layout.measure(0, 10_000)
    assert layout.total == new_layout.total
    assert [layout.line(row) for row in range(layout.total)] == [
        new_layout.line(row) for row in range(new_layout.total)
    ]


def test_only_a_changed_message_is_rendered_again() -> None:
    """An edited message is rendered again, its neighbour is not."""
    layout = Layout(lambda _: None)
    layout.set_entries(entries([message(0), message(1)], CONTEXT))
    first = layout.rendered(0)
    layout.rendered(1)
    layout.set_entries(entries([message(0), message(1, "edited\n\ntwice")], CONTEXT))

    assert layout.rendered(0) is first
    assert [plain(line) for line in layout.rendered(1).body] == ["edited", "", "twice"]
    assert layout.height(1) == 5
