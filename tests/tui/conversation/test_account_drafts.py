"""The drafts of one account at one server."""

from pathlib import Path
from uuid import UUID

import pytest

from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.store.drafts import Draft, Drafts, UnsentPost

HERE = UUID(int=1)
THERE = UUID(int=2)


@pytest.fixture
def drafts(tmp_path: Path) -> Drafts:
    """The database of drafts."""
    return Drafts(tmp_path / "drafts.sqlite")


def test_drafts_belong_to_a_place_an_account_and_a_server(drafts: Drafts) -> None:
    """A draft is returned for the same three only."""
    AccountDrafts(drafts, "http://a", "ann").save(HERE, Draft("half a thought"))

    assert AccountDrafts(drafts, "http://a", "ann").get(HERE).text == "half a thought"
    assert AccountDrafts(drafts, "http://a", "ann").get(THERE) == Draft()
    assert AccountDrafts(drafts, "http://a", "bo").get(HERE) == Draft()
    assert AccountDrafts(drafts, "http://b", "ann").get(HERE) == Draft()
    drafts.close()


def test_posts_belong_to_an_account_and_a_place(drafts: Drafts) -> None:
    """They are forgotten by their key."""
    post = UnsentPost("key", HERE, None, False, "text")
    ann = AccountDrafts(drafts, "http://a", "ann")
    ann.keep_post(post)

    assert ann.unsent_posts(HERE) == [post]
    assert ann.unsent_posts(THERE) == []
    assert AccountDrafts(drafts, "http://a", "bo").unsent_posts(HERE) == []
    ann.forget_post("key")
    assert ann.unsent_posts(HERE) == []
    drafts.close()


def test_drafts_are_kept_in_memory_without_a_database(drafts: Drafts) -> None:
    """A draft lasts as long as the chat runs."""
    drafts.close()
    account_drafts = AccountDrafts(drafts, "http://a", "ann")
    account_drafts.save(HERE, Draft("text"))

    assert account_drafts.get(HERE) == Draft("text")
    assert account_drafts.get(THERE) == Draft()
    assert AccountDrafts(None, "http://a", "ann").get(HERE) == Draft()
