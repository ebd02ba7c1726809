"""Two people at real terminals change messages and delete a conversation; each sees it at once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.e2e.terminal_site import MEDIUM, WIDE, TerminalSite, terminal_site
from tests.support.clients.tmux import TMUX

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TMUX is None, reason="there is no tmux"),
]


@pytest.fixture
async def site(tmp_path: Path, cluster_url: str) -> AsyncIterator[TerminalSite]:
    """A server with Ann, Bob and a scripted model."""
    async with terminal_site(tmp_path, cluster_url) as running:
        yield running


async def test_what_one_person_changes_the_other_one_sees(site: TerminalSite) -> None:
    """Edit, delete, restore, earlier texts, and at last the conversation itself."""
    conversation_id = await site.ann.group(site.bob, title="Plans", assistant_mode="off")
    root = await site.ann.root(conversation_id, "meet at noon")
    await site.bob.reply(root, "fine with me")
    with site.terminal("ann", WIDE) as ann, site.terminal("bob", MEDIUM) as bob:
        for terminal in (ann, bob):
            await terminal.until("● live")
            await terminal.until("↳ to bob: fine with me")  # not only in the list
        ann.keys("Enter")
        await ann.until("e edit")
        ann.keys("g")
        ann.keys("e")
        await ann.until("Editing: enter saves")
        ann.types(" sharp")
        await ann.until("meet at noon sharp")
        ann.keys("Enter")
        for terminal in (ann, bob):
            await terminal.until("edited")
            await terminal.until("meet at noon sharp")

        bob.keys("Enter")
        await bob.until("e edit")
        bob.keys("G")
        bob.keys("d")
        await bob.until("Delete this message?")
        bob.keys("Enter")
        for terminal in (ann, bob):
            await terminal.until_gone("fine with me")
            await terminal.until("deleted")
        bob.keys("z")
        for terminal in (ann, bob):
            await terminal.until("fine with me")

        bob.keys("g")
        bob.keys("v")
        await bob.until("Earlier texts")
        await bob.until("edited by ann")
        bob.keys("Escape")
        await bob.until_gone("Earlier texts")

        ann.keys("A")
        await ann.until("Delete it with everything in it")
        ann.keys("Down")
        ann.keys("Down")
        ann.keys("Enter")
        await ann.until("Type its title")
        ann.types("Plans")
        ann.keys("Enter")
        for terminal in (ann, bob):
            await terminal.until("Plans was deleted.")
            await terminal.until("Choose a conversation.")
    await site.bob.get(f"/api/conversations/{conversation_id}", expect=404)
