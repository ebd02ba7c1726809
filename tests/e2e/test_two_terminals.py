"""What one person does in the terminal, another one's open terminal shows at once.

All terminals are in the test's process, as is the server. What concerns only one user is shown by a
second terminal of that user, or by a program's stream.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.fakes.fake_model_server import answer, fake_model_server
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import (
    InProcessServer,
    StartServer,
    openai_settings,
)
from tests.tui.app_driver import AppDriver
from textual.widgets import OptionList

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.client.http import connect
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.config import load_settings, session_file
from rustygpt_tui.screens.main import MainScreen

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"RUSTYGPT_{kind}_DIR", str(tmp_path / kind.lower()))
    for variable in ("RUSTYGPT_TOKEN", "TMUX", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)


@asynccontextmanager
async def _new_terminal(server: InProcessServer, account: str) -> AsyncIterator[AppDriver]:
    app = RustyGPT(load_settings(), server=server.url, account=account, local=False)
    try:
        async with app.run_test(size=(110, 44), notifications=True) as pilot:
            yield AppDriver(app, pilot)
    finally:
        await app.aclose()


@asynccontextmanager
async def _terminal(
    server: InProcessServer, name: str, number: int = 1
) -> AsyncIterator[AppDriver]:
    """Run a user's terminal with a session of its own, the focus on the open conversation."""
    account = f"{name}-{number}"
    session = Session(server.url, file=SessionFile(session_file(load_settings())))
    async with connect(server.url, session) as client:
        await client.log_in(name, PASSWORD, account=account)
    async with _new_terminal(server, account) as driver:
        await driver.until("● live")
        await driver.until(lambda: not driver.is_loading)
        await driver.press("enter")
        pane = driver.main.thread_pane
        await driver.until(lambda: pane.transcript.has_focus or pane.composer.has_focus)
        yield driver


async def _select(driver: AppDriver, text: str) -> None:
    """Select the message with a text."""
    await driver.focus("#transcript")
    await driver.press("g")
    for _ in range(20):
        if _selected(driver) == text:
            return
        await driver.press("j")
    raise AssertionError(f"no message is {text!r}; the screen is:\n{driver.text()}")


def _selected(driver: AppDriver) -> str:
    entry = driver.main.thread_pane.transcript.selected_or_lowest()
    return entry.message.content if entry else ""


async def _both(condition: str, *drivers: AppDriver) -> None:
    for driver in drivers:
        await driver.until(condition)


async def _run_command(driver: AppDriver, query: str, help_text: str) -> None:
    """Run a command of the palette."""
    await driver.press("ctrl+p", *query)
    await driver.until(help_text)
    await driver.press("enter")


async def test_changes_of_messages_are_seen_at_once(start_server: StartServer) -> None:
    """Edit, delete, restore, earlier texts, regenerate, ask again, and the way between siblings."""
    answers = [answer(f"answer {number}") for number in range(1, 9)]
    async with (
        fake_model_server(*answers) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        ann_user, bob_user = await server.person("ann"), await server.person("bob")
        conversation = await ann_user.group(bob_user, title="Plans", assistant_mode="mention")
        root = await ann_user.root(conversation, "meet at noon")
        await bob_user.reply(root, "fine with me")
        async with _terminal(server, "ann") as ann, _terminal(server, "bob") as bob:
            await _both("fine with me", ann, bob)
            await _select(ann, "meet at noon")
            await ann.press("e")
            await ann.until("Editing: enter saves")
            await ann.press(*" sharp", "enter")
            await bob.until("meet at noon sharp")
            await bob.until("edited")

            await _select(bob, "fine with me")
            await bob.press("d")
            await bob.until("Delete this message?")
            await bob.press("enter")
            for driver in (ann, bob):
                await driver.until("deleted")
                await driver.until(lambda driver=driver: "fine with me" not in driver.text())
            await bob.press("z")
            await ann.until("fine with me")

            await _select(bob, "meet at noon sharp")
            await bob.press("v")
            await bob.until("edited by ann")
            await bob.press("escape")

            await _select(ann, "fine with me")
            await ann.press("r", *"@assistant where?", "enter")
            await _both("answer 1", ann, bob)
            await ann.until(lambda: ann.main.thread_pane.answer_in_progress() is None)
            await _select(ann, "answer 1")
            await ann.press("R")
            await _both("answer 2", ann, bob)
            await _select(bob, "answer 1")
            await bob.press("right_square_bracket")
            await bob.until(lambda: _selected(bob) == "answer 2")
            await bob.press("left_square_bracket")
            await bob.until(lambda: _selected(bob) == "answer 1")

            await _select(ann, "@assistant where?")
            await ann.press("e")
            await ann.until("This question has an answer")
            await ann.press("down", "enter")
            await ann.until("Asks again beside the question")
            await ann.press(*" And when?", "enter")
            await _both("where? And when?", ann, bob)
            await _both("answer 3", ann, bob)


async def test_changes_of_a_conversation_are_seen_at_once(server: InProcessServer) -> None:
    """Archive, unarchive, leave, and delete."""
    ann_user = await server.person("ann")
    bob_user, cid_user = await server.person("bob"), await server.person("cid")
    conversation = await ann_user.group(bob_user, cid_user, title="Plans")
    await ann_user.root(conversation, "meet at noon")
    async with _terminal(server, "ann") as ann, _terminal(server, "bob") as bob:
        await _both("3 people", ann, bob)
        await bob.press("i")
        await bob.until("enter send")
        await ann.press("A")
        await ann.until("Archive it")
        await ann.press("enter")
        await _both("This conversation is archived: read only.", ann, bob)
        assert "enter send" not in bob.text()
        await bob.until(lambda: not bob.main.controller.conversations)
        await ann.press("A")
        await ann.until("Unarchive it")
        await ann.press("enter")
        await bob.until("enter send")
        await bob.until(lambda: bool(bob.main.controller.conversations))

        async with _terminal(server, "cid") as cid:
            await cid.press("A")
            await cid.until("Leave it")
            await cid.press("enter")
            await cid.until("Leave this conversation?")
            await cid.press("enter")
            await cid.until("You are no longer in Plans.")
        await _both("2 people", ann, bob)

        await ann.press("A")
        await ann.until("Delete it with everything in it")
        await ann.press("down", "down", "enter")
        await ann.until("Type its title")
        await ann.press(*"Plans", "enter")
        await _both("Plans was deleted.", ann, bob)
        await bob.until(lambda: not bob.main.controller.conversations)


async def _open_invites(driver: AppDriver) -> None:
    """Open the dialog that makes an invite."""
    await driver.press("p")
    await driver.until("(you)")
    await driver.focus("#invite")
    await driver.press("enter")
    await driver.until("Invite by a link")


async def _make_invite(driver: AppDriver) -> str:
    """Make an invite, and return its link, which was copied."""
    await _open_invites(driver)
    await driver.focus("#submit")
    await driver.press("enter")
    await driver.until("The link of the invite")
    driver.app.copy_to_clipboard("something else")
    await driver.press("enter")
    await driver.until(lambda: "#/invite/" in driver.app.clipboard)
    link = driver.app.clipboard
    await driver.press("escape", "escape")
    await driver.until(lambda: driver.app.screen is driver.main)
    return link


async def test_people_come_by_invites(server: InProcessServer) -> None:
    """One registers with a link, one joins by a link, and a revoked link admits nobody."""
    ann_user, bob_user = await server.person("ann"), await server.person("bob")
    conversation = await ann_user.group(title="Plans")
    await ann_user.root(conversation, "meet at noon")
    await bob_user.conversation("Notes of Bob")
    async with _terminal(server, "ann") as ann, _terminal(server, "bob") as bob:
        await _register(server, await _make_invite(ann))
        await ann.until("2 people")

        revoked = await _make_invite(ann)
        await _open_invites(ann)
        await ann.focus("#list")
        await ann.press("enter")
        await ann.until("member, anybody with the link")
        await ann.press("enter")
        await ann.until("Revoke this invite?")
        await ann.press("enter")
        await ann.until("There is no invite that can still be used.")
        await ann.press("escape", "escape", "escape")
        await _join(bob, revoked)
        await bob.until("This invite was revoked; ask for a new one.")
        assert "2 people" in ann.text()
        await bob.press("escape")  # the dialog keeps a refused link
        await bob.until(lambda: isinstance(bob.app.screen, MainScreen))

        await _join(bob, await _make_invite(ann))
        await bob.until("meet at noon")
        await _both("3 people", ann, bob)


async def _register(server: InProcessServer, link: str) -> None:
    """Create an account in a terminal; the conversation of the invite opens there."""
    async with _new_terminal(server, "dora") as dora:
        await dora.until("Create an account …")
        await dora.focus("#register")
        await dora.press("enter")
        await dora.until("Create and sign in")
        texts = {"username": "dora", "email": "dora@x.org", "password": PASSWORD, "invite": link}
        for field, text in texts.items():
            await dora.fill(f"#{field}", text)
        await dora.press("enter")
        await dora.until(lambda: isinstance(dora.app.screen, MainScreen))
        await dora.until("meet at noon")


async def _join(driver: AppDriver, link: str) -> None:
    """Join by an invite, with the command of the palette."""
    await _run_command(driver, "join by", "Join a conversation with the link")
    await driver.until("paste its link")
    await driver.fill("Input", link)
    await driver.press("enter")


async def test_a_session_and_a_token_end_where_they_are_used(server: InProcessServer) -> None:
    """The other terminal shows the form to sign in; the program's stream ends."""
    ann_user = await server.person("ann")
    await ann_user.root(await ann_user.conversation("Notes"), "remember")
    async with _terminal(server, "ann", 1) as here, _terminal(server, "ann", 2) as there:
        await _run_command(here, "your sessions", "Where you are signed in")
        await here.until("this one")
        await _choose_other_session(here)
        await here.until("End this session")
        await here.press("enter")
        await there.until("Your session ended.")
        await here.press("escape")

        await _run_command(here, "personal", "Let programs sign in as you")
        await here.until("None yet.")
        await here.press("enter")
        await here.until("A new token")
        await here.press(*"bot", "enter")
        await here.until("is not shown again")
        await here.press("enter")
        await here.until(lambda: here.app.clipboard.startswith("rgpt_"))
        program = server.token_user(here.app.clipboard, ann_user)
        async with program.follow_all() as stream:
            await stream.next("stream.open")
            await here.press("escape")
            await here.until("bot  read")
            await here.press("shift+tab", "enter")
            await here.until("Revoke this token?")
            await here.press("enter")
            closed = await stream.next("stream.closed")
            await stream.rest()
        await program.get("/api/auth/me", expect=401)

    assert closed["payload"]["reason"] == "session_ended"


async def _choose_other_session(driver: AppDriver) -> None:
    """Choose the session of another terminal."""
    listed = driver.app.screen.query_one(OptionList)
    labels = [str(option.prompt) for option in listed.options]
    others = [label for label in labels if "rustygpt" in label and "this one" not in label]
    assert len(others) == 1
    listed.highlighted = labels.index(others[0])
    await driver.press("enter")
