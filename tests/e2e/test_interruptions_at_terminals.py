"""Two people at real terminals while the server, the program or an answer ends."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.terminal_site import MEDIUM, WIDE, TerminalSite, terminal_site
from tests.support.clients.tmux import TMUX
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, finished

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TMUX is None, reason="there is no tmux"),
]


@pytest.fixture
async def site(tmp_path: Path, cluster_url: str) -> AsyncIterator[TerminalSite]:
    """A server with Ann, Bob and a scripted model."""
    async with terminal_site(tmp_path, cluster_url) as running:
        yield running


async def _until_posted(site: TerminalSite, root: str, text: str) -> list[dict[str, Any]]:
    """Return the messages of a thread once one of them has a text."""
    async with asyncio.timeout(60):
        while True:
            messages = await site.messages(root)
            if any(message["content"] == text for message in messages):
                return messages
            await asyncio.sleep(0.05)


async def test_the_program_waits_for_its_server(site: TerminalSite) -> None:
    """At start, and later with no conversation open, the connection is shown and recovers."""
    await site.server.stop()
    with site.terminal("ann", MEDIUM) as ann:
        await ann.until(re.compile(r"Trying again in \d+"))
        await site.server.start()
        await ann.until("● live", 40)
        await ann.until("No conversations yet")
        await site.server.kill()
        await ann.until("offline")
        await site.server.start()
        await ann.until("● live", 40)
        await site.bob.group(site.ann, title="Lighthouse")
        await ann.until("Lighthouse")


async def test_a_killed_server_loses_and_doubles_nothing(site: TerminalSite) -> None:
    """What was sent while it was away is sent once; what comes afterwards arrives."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    with site.terminal("ann", WIDE) as ann, site.terminal("bob", MEDIUM) as bob:
        for terminal in (ann, bob):
            await terminal.until("● live")
            await terminal.until("Write a message")
            await terminal.until("↳ to ")
        ann.keys("i")
        await site.server.kill()
        await ann.until("offline")
        ann.types("written while it was away")
        await ann.until("written while it was away")
        ann.keys("Enter")
        await ann.until("Not confirmed: ")
        await site.server.start()
        for terminal in (ann, bob):
            await terminal.until("● live", 40)
        ann.keys("Enter")
        await bob.until("written while it was away")
        bob.keys("i")
        bob.types("after the restart")
        await bob.until("after the restart")
        bob.keys("Enter")
        await ann.until("after the restart")
    contents = [m["content"] for m in await _until_posted(site, root, "after the restart")]

    assert contents == ["the root", "written while it was away", "after the restart"]


async def test_a_draft_survives_a_killed_program(site: TerminalSite) -> None:
    """Its text and what it replies to are there again."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    first = await site.bob.reply(root, "first of bob")
    await site.bob.reply(root, "second of bob")
    with site.terminal("ann", MEDIUM) as ann:
        await ann.until("second of bob")
        await ann.until("3 messages")
        ann.keys("n")
        await ann.until("r reply")  # the messages have the focus
        ann.keys("r")
        await ann.until("↳ to bob: first")
        ann.types("half a sentence")
        await ann.until("half a sentence")
        ann.kill()
    with site.terminal("ann", MEDIUM) as ann:
        await ann.until("half a sentence")
        await ann.until("↳ to bob: first")
        ann.keys("i")
        ann.types(" and its end")
        await ann.until("half a sentence and its end")
        ann.keys("Enter")
        messages = await _until_posted(site, root, "half a sentence and its end")

    own = next(m for m in messages if m["content"].startswith("half"))
    assert own["parent_id"] == first


async def test_a_post_in_flight_is_sent_once(site: TerminalSite) -> None:
    """The program is killed before the response; the next one sends the same message again."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    with site.terminal("ann", MEDIUM) as ann:
        await ann.until("● live")
        await ann.until("↳ to ")
        ann.keys("i")
        ann.types("sent once")
        await ann.until("sent once")
        os.kill(site.server.pid, signal.SIGSTOP)
        try:
            ann.keys("Enter")
            await ann.until("sending")
            ann.kill()
        finally:
            os.kill(site.server.pid, signal.SIGCONT)
    with site.terminal("ann", MEDIUM) as ann:
        await ann.until("● live")
        await ann.until("sent once")  # among the messages, or in the composer for another attempt
        ann.keys("i", "Enter")
        await ann.until_gone("Not confirmed")
        await ann.until_gone("sending")
        await site.bob.reply(root, "a last word")
        await ann.until("a last word")
        contents = [m["content"] for m in await site.messages(root)]

    assert sorted(contents) == ["a last word", "sent once", "the root"]


async def test_escape_stops_ones_own_answer_only(site: TerminalSite) -> None:
    """It leaves the composer each time; `x` stops the answer of somebody else, as an admin."""
    goes_on = asyncio.Event()
    site.model.scripts = [ScriptedAnswer([chunk("it begins "), goes_on, chunk("x"), finished()])]
    conversation_id = await site.ann.group(site.bob, title="Harbour", assistant_mode="always")
    with site.terminal("ann") as ann:
        await ann.until("no messages yet")
        ann.keys("i")
        await ann.until("A new thread")
        ann.types("a question of ann")
        await ann.until("a question of ann")
        ann.keys("Enter")
        await ann.until("it begins")
        (thread,) = (await site.ann.get(f"/api/conversations/{conversation_id}/threads"))["threads"]
        root = thread["root_id"]
        await site.bob.reply(root, "a question of bob")
        await ann.until(lambda screen: screen.count("it begins") >= 2)
        ann.keys("i")
        await ann.until("esc stops the answer")
        ann.keys("Escape")
        await ann.until("r reply")
        first = await _until_ended(site, root, 1)
        ann.keys("i")
        await ann.until("esc messages")
        ann.keys("Escape")
        await ann.until("x stops the answer")
        second = await _ended(site, root)
        ann.keys("x")
        both = await _until_ended(site, root, 2)
        goes_on.set()

    assert list(first.values()) == ["cancelled"]
    assert second == first
    assert list(both.values()) == ["cancelled", "cancelled"]
    asked = {m["id"]: m["content"] for m in await site.messages(root)}
    (answered,) = (m["parent_id"] for m in await site.messages(root) if m["id"] in first)
    assert asked[answered] == "a question of ann"


async def _ended(site: TerminalSite, root: str) -> dict[str, str]:
    """Return the answers of a thread that have ended, with the reasons."""
    messages = await site.messages(root)
    return {m["id"]: m["finish_reason"] for m in messages if m.get("finish_reason")}


async def _until_ended(site: TerminalSite, root: str, count: int) -> dict[str, str]:
    """Return the answers of a thread that have ended, once there are so many."""
    async with asyncio.timeout(60):
        while len(ended := await _ended(site, root)) < count:
            await asyncio.sleep(0.05)
    return ended
