"""Two people at real terminals read and reply: what they see, and what the server has then."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.e2e.terminal_site import MEDIUM, NARROW, WIDE, TerminalSite, terminal_site
from tests.support.clients.tmux import TMUX, TmuxTerminal
from tests.support.fakes.fake_model_server import RecordedRequest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(TMUX is None, reason="there is no tmux"),
]


@pytest.fixture
async def site(tmp_path: Path, cluster_url: str) -> AsyncIterator[TerminalSite]:
    """A server with Ann, Bob and a scripted model."""
    async with terminal_site(tmp_path, cluster_url) as running:
        yield running


def _roles(request: RecordedRequest) -> list[str]:
    return [message["role"] for message in request.body["messages"] if message["role"] != "system"]


async def _live(terminal: TmuxTerminal, text: str) -> None:
    await terminal.until("● live")
    await terminal.until(text)


async def _write(terminal: TmuxTerminal, text: str) -> None:
    """Type a message into the composer and send it."""
    terminal.types(text)
    await terminal.until(text)
    terminal.keys("Enter")


@pytest.mark.parametrize("size", [WIDE, MEDIUM, NARROW])
async def test_follow_ups_continue_the_conversation(
    site: TerminalSite, size: tuple[int, int]
) -> None:
    """Ten in a row: the model gets user, assistant, user, … each time."""
    await site.ann.conversation("Alone", assistant_mode="always")
    with site.terminal("ann", size) as ann:
        await _live(ann, "no messages yet")
        ann.keys("i")
        await ann.until("A new thread")
        for number in range(1, 11):
            await _write(ann, f"question {number}")
            await ann.until(re.compile(rf"answer {number}\b"))

    assert [len(_roles(request)) for request in site.model.requests] == list(range(1, 20, 2))
    for request in site.model.requests:
        assert _roles(request) == [
            ["user", "assistant"][n % 2] for n in range(len(_roles(request)))
        ]


async def test_follow_ups_typed_quickly_continue_it_as_well(site: TerminalSite) -> None:
    """Each is sent as a reply to the answer that the one before started."""
    conversation_id = await site.ann.conversation("Alone", assistant_mode="always")
    with site.terminal("ann") as ann:
        await _live(ann, "no messages yet")
        ann.keys("i")
        await ann.until("A new thread")
        for number in range(1, 11):
            ann.types(f"question {number}")
            ann.keys("Enter")
        await ann.until("question 10")
        await ann.until("answer 10")
    (thread,) = (await site.ann.get(f"/api/conversations/{conversation_id}/threads"))["threads"]
    messages = await site.messages(thread["root_id"])

    assert [m["depth"] for m in messages] == list(range(1, 21))
    assert [m["role"] for m in messages] == ["user", "assistant"] * 10
    assert [m["content"] for m in messages[::2]] == [f"question {n}" for n in range(1, 11)]


@pytest.mark.parametrize("size", [WIDE, MEDIUM, NARROW])
async def test_a_reply_goes_to_the_message_that_was_shown(
    site: TerminalSite, size: tuple[int, int]
) -> None:
    """Bob posts while Ann types: what the bar above the composer named stays the target."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    first = await site.bob.reply(root, "first of bob")
    with site.terminal("ann", size) as ann, site.terminal("bob") as bob:
        await _live(bob, "first of bob")
        await _live(ann, "Harbour")
        ann.keys("n", "i")
        await ann.until("↳ to bob: first of bob")
        ann.types("to the first")
        await ann.until("to the first")
        bob.keys("G", "i")
        await _write(bob, "second of bob")
        await ann.until("second of bob")
        await ann.until(re.compile(r"↳ to bob: first.*\^t"))
        ann.keys("Enter")
        await bob.until("to the first")
        ann.types("to the newest")
        await ann.until("to the newest")
        await bob.until("ann is writing")
        ann.keys("Enter")
        await bob.until("to the newest")
    by_text = {m["content"]: m for m in await site.messages(root)}

    assert by_text["to the first"]["parent_id"] == first
    assert by_text["to the newest"]["parent_id"] == by_text["to the first"]["id"]


@pytest.mark.parametrize("size", [WIDE, MEDIUM, NARROW])
async def test_ones_own_message_is_shown_at_its_place(
    site: TerminalSite, size: tuple[int, int]
) -> None:
    """A reply in the middle of a long thread is shown right after Enter, below its parent."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    ids = await site.fill(root, 600)
    await site.ann.post(f"/api/threads/{root}/read", {})
    await site.ann.post(f"/api/threads/{root}/unread", {"message_id": ids[302]})
    with site.terminal("ann", size) as ann:
        await _live(ann, "601 messages")
        ann.keys("n")
        await ann.until(lambda screen: "r reply" in screen and "message 303" in screen)
        ann.keys("r")
        await ann.until("↳ to bob: message 303")
        await _write(ann, "my reply in the middle")
        own = r"message 303(.|\n)*my reply in the middle(.|\n)*Write a message"
        await ann.until(re.compile(own))
        await ann.until_gone("sending")
        await ann.until(re.compile(own))
    posted = next(m for m in await site.messages(root) if m["content"] == "my reply in the middle")

    assert posted["parent_id"] == ids[302]


async def test_only_what_was_on_screen_is_read(site: TerminalSite) -> None:
    """Opening reads nothing; after a key, what is shown is read; `G` leaves the rest unread."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    await site.fill(root, 60)
    with site.terminal("ann", MEDIUM) as ann:
        await _live(ann, "message 1 ")
        await ann.until("↓ ")
        await _heartbeats(site, 2)
        assert await site.unread(conversation_id) == 60
        ann.keys("Tab")
        shown = await _until_unread(site, conversation_id, lambda unread: unread < 60)
        assert shown > 50
        await ann.until(re.compile(rf"↓ ({shown}|{shown - 1}) new"))  # one is partly on screen
        ann.keys("C-o", "l", "G")
        await ann.until("message 60 ")
        left = int((await ann.until(re.compile(r"↑ (\d+) new"))).split("↑ ")[1].split(" ")[0])
        assert 40 < left < shown
        assert await site.unread(conversation_id) == shown
        while "That was all that is unread." not in ann.screen():
            before = await site.unread(conversation_id)
            ann.keys("n")
            await ann.until(re.compile("message|That was all"))
            if before:
                await _until_unread(site, conversation_id, before.__gt__)
        assert await site.unread(conversation_id) == 0


async def _heartbeats(site: TerminalSite, count: int) -> None:
    """Wait for events on a stream: nothing else happens meanwhile."""
    (listed,) = (await site.ann.get("/api/conversations"))["conversations"]
    async with site.ann.follow(listed["id"]) as stream:
        async with asyncio.timeout(60):
            async for line in stream.lines:
                count -= line.startswith(":")
                if not count:
                    return


async def _until_unread(
    site: TerminalSite, conversation_id: str, condition: Callable[[int], bool]
) -> int:
    """Wait for the number of unread messages that another client sees, and return it."""
    async with asyncio.timeout(60):
        while not condition(unread := await site.unread(conversation_id)):
            await asyncio.sleep(0.05)
    return unread


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_all_read_and_unread_again(site: TerminalSite, size: tuple[int, int]) -> None:
    """`m` reads the whole thread; `U` marks the selected message and what follows as unread."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    await site.fill(root, 60)
    with site.terminal("ann", size) as ann:
        await _live(ann, "61 messages")
        ann.keys("n")
        await ann.until("message 1 ")
        ann.keys("m")
        await _until_unread(site, conversation_id, lambda unread: unread == 0)
        await ann.until_gone("↓ ")
        ann.keys("G", "k", "k", "U")
        await _until_unread(site, conversation_id, lambda unread: 2 <= unread <= 4)


async def test_a_reply_far_above_is_one_key_away(site: TerminalSite) -> None:
    """While the end is read, it is announced above, and stays unread until it is shown."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the root")
    ids = await site.fill(root, 500)
    await site.ann.post(f"/api/threads/{root}/read", {})
    with site.terminal("ann", MEDIUM) as ann:
        await _live(ann, "message 500 ")
        ann.keys("Tab")
        await site.bob.reply(ids[99], "far above the end")
        await ann.until("↑ 1 new")
        assert "message 500 " in ann.screen()
        assert await site.unread(conversation_id) == 1
        ann.keys("n")
        await ann.until("far above the end")
        await _until_unread(site, conversation_id, lambda unread: unread == 0)
        await ann.until_gone("↑ 1 new")


@pytest.mark.parametrize("size", [WIDE, NARROW])
async def test_a_thread_of_ten_thousand_messages(site: TerminalSite, size: tuple[int, int]) -> None:
    """It opens at its first unread message, `g` and `G` work, and its place is kept."""
    conversation_id = await site.ann.group(site.bob, title="Harbour")
    root = await site.ann.root(conversation_id, "the large one")
    ids = await site.fill(root, 10_000)
    await site.ann.post(f"/api/threads/{root}/read", {})
    await site.ann.post(f"/api/threads/{root}/unread", {"message_id": ids[4_999]})
    with site.terminal("ann", size) as ann:
        await _live(ann, "10,001 messages")
        ann.keys("n")
        await ann.until("message 5000 ")
        ann.keys("g")
        await ann.until(lambda screen: "message 1 " in screen and "message 2 " in screen)
        ann.keys("G")
        await ann.until("message 10000 ")
        ann.keys("m")
        await ann.until_gone(" new ")
        await site.ann.root(conversation_id, "a second thread")
        ann.keys(*["PageUp"] * 3)
        await ann.until_gone("message 10000 ")
        numbers = _numbers(await _still(ann))
        ann.keys("C-o", "C-o", "g", "Enter")
        await ann.until_gone(f"message {numbers[0]} ")
        ann.keys("C-o", "C-o", "G", "Enter")
        await ann.until(f"message {numbers[0]} ")
        assert _numbers(await _still(ann)) == numbers


def _numbers(screen: str) -> list[int]:
    """Return the numbers of the messages on the screen."""
    return [int(number) for number in re.findall(r"message (\d+) of", screen)]


async def _still(terminal: TmuxTerminal) -> str:
    """Return the screen once it has stayed the same for a while."""
    before, same = terminal.screen(), 0
    async with asyncio.timeout(60):
        while same < 10:
            await asyncio.sleep(0.05)
            screen = terminal.screen()
            same = same + 1 if screen == before else 0
            before = screen
    return before


async def test_unread_counts_of_other_conversations_are_live(site: TerminalSite) -> None:
    """A post in a conversation that is not open changes its row within a second, and its place."""
    first = await site.ann.group(site.bob, title="Harbour")
    other = await site.ann.group(site.bob, title="Lighthouse")
    await site.ann.root(other, "in the lighthouse")
    await site.ann.root(first, "in the harbour")
    with site.terminal("ann") as ann:
        await _live(ann, "in the harbour")
        await ann.until(re.compile("Harbour(.|\\n)*Lighthouse"))
        for number in (1, 2, 3):
            await site.bob.root(other, f"news {number}")
            await ann.until(re.compile(rf"Lighthouse +{number} (.|\n)*news {number}"))
        await ann.until(re.compile("Lighthouse(.|\\n)*Harbour"))
