"""The drafts of one account at one server."""

from pathlib import Path
from uuid import UUID

import pytest

from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.store.drafts import Drafts

HERE = UUID(int=1)
THERE = UUID(int=2)


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    """The database of drafts."""
    return Drafts(tmp_path / "drafts.sqlite")


def test_drafts_belong_to_a_target_an_account_and_a_server(drafts: Drafts) -> None:
    """A draft is returned for the same three only."""
    AccountDrafts(drafts, "http://a", "ann").save(HERE, "half a thought")

    assert AccountDrafts(drafts, "http://a", "ann").get(HERE) == "half a thought"
    assert AccountDrafts(drafts, "http://a", "ann").get(THERE) == ""
    assert AccountDrafts(drafts, "http://a", "bo").get(HERE) == ""
    assert AccountDrafts(drafts, "http://b", "ann").get(HERE) == ""
    drafts.close()


def test_only_the_sent_text_is_deleted(drafts: Drafts) -> None:
    """A draft that was edited after it was sent is kept."""
    account_drafts = AccountDrafts(drafts, "http://a", "ann")
    account_drafts.save(HERE, "sent\n")
    account_drafts.save(THERE, "sent, and more")
    for target_id in (HERE, THERE):
        account_drafts.discard_sent(target_id, "sent")

    assert account_drafts.get(HERE) == ""
    assert account_drafts.get(THERE) == "sent, and more"
    drafts.close()


def test_drafts_are_kept_in_memory_without_a_database(drafts: Drafts) -> None:
    """A draft lasts as long as the chat runs."""
    drafts.close()
    account_drafts = AccountDrafts(drafts, "http://a", "ann")
    account_drafts.save(HERE, "text")

    assert account_drafts.get(HERE) == "text"
    assert account_drafts.get(THERE) == ""
    assert AccountDrafts(None, "http://a", "ann").get(HERE) == ""
