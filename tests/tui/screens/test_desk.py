"""What lies on the desk between conversations."""

from pathlib import Path
from uuid import UUID

import pytest

from rustygpt_tui.screens.desk import Desk
from rustygpt_tui.store.drafts import Drafts

HERE, THERE = UUID(int=1), UUID(int=2)


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    """The database of drafts."""
    return Drafts(tmp_path / "drafts.sqlite")


def test_drafts_stay_with_place_account_and_server(drafts: Drafts) -> None:
    """What one account wrote somewhere is there again, and nowhere else."""
    Desk(drafts, "http://a", "ann").keep_draft(HERE, "half a thought")

    assert Desk(drafts, "http://a", "ann").draft(HERE) == "half a thought"
    assert Desk(drafts, "http://a", "ann").draft(THERE) == ""
    assert Desk(drafts, "http://a", "bo").draft(HERE) == ""
    assert Desk(drafts, "http://b", "ann").draft(HERE) == ""
    drafts.close()


def test_only_what_was_sent_is_forgotten(drafts: Drafts) -> None:
    """What was typed after the text that was sent stays."""
    desk = Desk(drafts, "http://a", "ann")
    desk.keep_draft(HERE, "sent\n")
    desk.keep_draft(THERE, "sent, and more")
    for place in (HERE, THERE):
        desk.forget_draft(place, "sent")

    assert desk.draft(HERE) == ""
    assert desk.draft(THERE) == "sent, and more"
    drafts.close()


def test_a_broken_database_costs_the_drafts_only(drafts: Drafts) -> None:
    """What is written is kept for as long as the chat runs."""
    drafts.close()
    desk = Desk(drafts, "http://a", "ann")
    desk.keep_draft(HERE, "text")

    assert desk.draft(HERE) == "text"
    assert desk.draft(THERE) == ""
    assert Desk(None, "http://a", "ann").draft(HERE) == ""
