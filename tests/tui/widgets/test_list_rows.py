"""Rows of the side lists and the relative age shown in them."""

from datetime import UTC, datetime, timedelta

from rustygpt_tui.widgets.list_rows import relative_age


def test_ages_are_in_their_largest_unit() -> None:
    """Under a minute is "now"; then minutes, hours and days."""
    now = datetime(2026, 1, 5, tzinfo=UTC)
    ages = [timedelta(seconds=5), timedelta(minutes=3), timedelta(hours=5), timedelta(days=4)]

    assert [relative_age(now - age, now) for age in ages] == ["now", "3 min", "5 h", "4 d"]
