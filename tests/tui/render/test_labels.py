"""Labels of authors, cut to a width."""

import pytest

from rustygpt_tui.render.labels import shorten_label


@pytest.mark.parametrize(
    ("cells", "shown"),
    [
        (40, "assistant · gpt-x of somebody (@bob)"),
        (20, "assistant ·… (@bob)"),
        (13, "assis… (@bob)"),
        (12, "@bob"),
        (3, "@b…"),
    ],
)
def test_the_user_name_is_kept_rather_than_the_name(cells: int, shown: str) -> None:
    """It is what nobody can imitate."""
    assert shorten_label("assistant · gpt-x of somebody (@bob)", cells) == shown


def test_a_label_without_a_user_name_is_cut_at_its_end() -> None:
    """An answer keeps the role."""
    assert shorten_label("assistant · gpt-x-with-a-long-name", 14) == "assistant · g…"
