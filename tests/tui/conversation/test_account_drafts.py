"""What lies on the desk between conversations."""

from pathlib import Path
from uuid import UUID

import pytest

from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.store.drafts import Drafts

HERE, THERE = UUID(int=1), UUID(int=2)


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    """The database of drafts."""
    return Drafts(tmp_path / "drafts.sqlite")


def test_drafts_stay_with_place_account_and_server(drafts: Drafts) -> None:
    """What one account wrote somewhere is there again, and nowhere else."""
    AccountDrafts(drafts, "http://a", "ann").save(HERE, "half a thought")

    assert AccountDrafts(drafts, "http://a", "ann").get(HERE) == "half a thought"
    assert AccountDrafts(drafts, "http://a", "ann").get(THERE) == ""
    assert AccountDrafts(drafts, "http://a", "bo").get(HERE) == ""
    assert AccountDrafts(drafts, "http://b", "ann").get(HERE) == ""
    drafts.close()


def test_only_what_was_sent_is_forgotten(drafts: Drafts) -> None:
    """What was typed after the text that was sent stays."""
    desk = AccountDrafts(drafts, "http://a", "ann")
    desk.save(HERE, "sent\n")
    desk.save(THERE, "sent, and more")
    for place in (HERE, THERE):
        desk.discard_sent(place, "sent")

    assert desk.get(HERE) == ""
    assert desk.get(THERE) == "sent, and more"
    drafts.close()


def test_a_broken_database_costs_the_drafts_only(drafts: Drafts) -> None:
    """What is written is kept for as long as the chat runs."""
    drafts.close()
    desk = AccountDrafts(drafts, "http://a", "ann")
    desk.save(HERE, "text")

    assert desk.get(HERE) == "text"
    assert desk.get(THERE) == ""
    assert AccountDrafts(None, "http://a", "ann").get(HERE) == ""
