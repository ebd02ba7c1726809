"""Reading and writing in a thread."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id
from tests.support.fakes.fake_http_server import problem
from tests.tui.app_driver import AppDriver, in_conversation
from textual import events

from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.widget import Transcript


def _conversation(messages: int = 3) -> FakeConversation:
    conversation = FakeConversation()
    conversation.add(person_id(1), "member")
    root = conversation.post(text="first **words**")
    for number in range(1, messages):
        root = conversation.post(root, text=f"reply {number}")
    return conversation


async def test_a_thread_is_shown_and_followed() -> None:
    """Messages of others appear without an action of the user."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("reply 2")
        conversation.post(list(conversation.messages)[-1], text="and *more*")
        await driver.until("and more")


async def test_an_answer_streams_and_ends() -> None:
    """The message is sent once, the answer grows in place, and its end is final."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("i")
        await driver.write("hello there")
        await driver.pilot.press("enter")
        await driver.until("waiting for the model")
        answer = list(chat.conversation.messages)[-1]
        for part in ("# He", "ading\n\n- one", "\n- two"):
            chat.conversation.stream_text(answer, part)
        await driver.until("• two▌")
        chat.conversation.finish(answer)
        await driver.until(lambda: "▌" not in driver.text() and "• two" in driver.text())
        assert driver.text().count("hello there") >= 1
        assert sum(a.path.endswith("/reply") for a in chat.http.requests) == 1


async def test_escape_stops_an_answer() -> None:
    """The answer is cancelled on the server, and its text so far is kept."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("i")
        await driver.write("go on")
        await driver.pilot.press("enter")
        await driver.until("waiting for the model")
        chat.conversation.stream_text(list(chat.conversation.messages)[-1], "some text")
        await driver.until("some text")
        await driver.pilot.press("escape")
        await driver.until("■ stopped")


async def test_a_failed_send_keeps_the_text_and_the_key() -> None:
    """The text returns with the reason; the next attempt has the same idempotency key."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        chat.failing_posts = 1
        chat.auto_answer = False
        await driver.pilot.press("i")
        await driver.write("precious")
        await driver.pilot.press("enter")
        await driver.until("Not confirmed: The database is away.")
        assert driver.main.thread_pane.composer.text == "precious"
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.main.thread_pane.composer.text == "")
        await driver.until(
            lambda: sum(m.content == "precious" for m in chat.conversation.messages.values())
        )
        keys = [a.headers["idempotency-key"] for a in chat.http.requests if "/reply" in a.path]
        assert len(keys) >= 2
        assert len(set(keys)) == 1


async def test_drafts_stay_with_their_thread() -> None:
    """A draft is restored after another thread was open."""
    conversation = _conversation()
    other = conversation.post(text="another thread")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("i")
        await driver.write("half a thought")
        driver.main.open_thread(
            next(r for r in conversation.threads if r != driver.main.thread_pane.root)
        )
        assert driver.main.thread_pane.composer.text == ""
        driver.main.open_thread(other)
        await driver.until(lambda: driver.main.thread_pane.composer.text == "half a thought")


async def test_a_started_reply_is_a_draft_of_its_thread() -> None:
    """Leaving the thread during a reply keeps its text."""
    conversation = _conversation()
    other = conversation.post(text="another thread")
    root = next(iter(conversation.threads))
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        driver.main.open_thread(root)
        await driver.until("reply 2")
        driver.main.query_one(Transcript).focus()
        await driver.pilot.press("g", "r")
        await driver.write("well, actually")
        driver.main.open_thread(other)
        driver.main.open_thread(root)
        assert driver.main.thread_pane.composer.text == "well, actually"


async def test_a_paste_never_sends() -> None:
    """Several pasted lines are text, which enter sends as one message."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("i")
        driver.app.post_message(events.Paste("one\ntwo\nthree"))
        await driver.until(lambda: driver.main.thread_pane.composer.text.count("\n") == 2)
        await driver.pilot.press("ctrl+j")
        assert not any("/reply" in a.path for a in chat.http.requests)
        await driver.pilot.press("enter")
        await driver.until(lambda: any("/reply" in a.path for a in chat.http.requests))


async def test_a_reply_goes_to_the_selected_message() -> None:
    """The message under the cursor is replied to and shown above the composer."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.until("reply 2")
        driver.main.query_one(Transcript).focus()
        await driver.pilot.press("g", "r")
        await driver.until("↳")
        await driver.write("to the root")
        await driver.pilot.press("enter")
        root = next(iter(chat.conversation.messages))
        await driver.until(
            lambda: any(a.path.endswith(f"{root}/reply") for a in chat.http.requests)
        )


async def test_the_hint_of_an_empty_conversation_changes_when_a_thread_arrives() -> None:
    """It asks for the first message only while there is none; nothing is opened."""
    conversation = FakeConversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("Write the first message below to start a thread.")
        conversation.post(None, text="somebody was first")
        await driver.until("Write below to start another thread.")
        assert "Write the first message" not in driver.text()


async def test_a_new_thread_is_opened_after_it_was_sent() -> None:
    """Ctrl+n, a text and enter create a thread and open it."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+n")
        await driver.until("Write below to start another thread.")
        await driver.write("a new topic")
        await driver.pilot.press("enter")
        await driver.until(lambda: len(chat.conversation.threads) == 2)
        await driver.until(
            lambda: (
                (t := driver.main.thread_pane.root)
                and chat.conversation.messages[t].content == "a new topic"
            )
        )


async def test_a_lost_connection_is_shown_and_restored() -> None:
    """The status line shows it, and no message is missed."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.cut_streams()
        await driver.until("offline")
        conversation.post(list(conversation.messages)[-1], text="while you were away")
        await driver.pilot.press("f5")
        await driver.until("while you were away")
        await driver.until("● live")
        assert chat.streams >= 2


async def test_viewers_cannot_write() -> None:
    """The composer is read-only; a change of the role takes effect at once."""
    conversation = _conversation()
    conversation.people[ME] = structs.replace(conversation.people[ME], role="viewer")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("You may read here, not write.")
        await driver.pilot.press("i", "a")
        await driver.until("esc messages · ^p commands")
        assert "enter send" not in driver.text()
        assert driver.main.thread_pane.composer.text == ""
        conversation.add(ME, "member")
        await driver.until("Write a message")
        await driver.until("enter send")
        await driver.pilot.press("a")
        assert driver.main.thread_pane.composer.text == "a"


async def test_what_a_viewer_types_runs_no_commands() -> None:
    """In the composer each printable key is ignored; Escape leaves it, and keys act again."""
    conversation = _conversation()
    conversation.people[ME] = structs.replace(conversation.people[ME], role="viewer")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("You may read here, not write.")
        await driver.pilot.press("i", *"canT", "question_mark")
        assert driver.app.screen is driver.main
        assert driver.main.thread_pane.composer.has_focus
        await driver.pilot.press("escape", "question_mark")
        assert not isinstance(driver.app.screen, MainScreen)


async def test_a_viewer_with_a_draft_sees_why_they_cannot_write() -> None:
    """The draft hides the placeholder; it is kept, and can be sent when the role allows it."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("i")
        await driver.write("half a thought")
        conversation.add(ME, "viewer")
        await driver.until("You may read here, not write. Your draft is kept.")
        await driver.pilot.press("a", "enter")
        assert driver.main.thread_pane.composer.text == "half a thought"
        conversation.add(ME, "member")
        await driver.until(lambda: "You may read here" not in driver.text())
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.main.thread_pane.composer.text == "")


async def test_copying_nothing_is_said() -> None:
    """Neither a new thread nor an answer without text yet has something to copy."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        for key in ("y", "Y", "L"):
            driver.app.clear_notifications()
            driver.main.thread_pane.transcript.focus()
            await driver.pilot.press(key)
            await driver.until("There is nothing to copy.")


async def test_a_link_is_opened_only_after_its_address_was_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dialog names the host; Escape and `Cancel`, which has the focus, open nothing."""
    address = "https://trusted.example@evil.example/a?b=c#d"
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    conversation = _conversation()
    conversation.post(list(conversation.messages)[-1], text=f"[trusted.example]({address})")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        pane = driver.main.thread_pane
        for keys in (["escape"], ["enter"]):
            pane.transcript.post_message(pane.transcript.LinkClicked(address))
            await driver.until("It leads to evil.example")
            assert address in driver.text()
            await driver.pilot.press(*keys)
            await driver.until(lambda: driver.app.screen is driver.main)
        assert not opened.exists()
        pane.transcript.post_message(pane.transcript.LinkClicked(address))
        await driver.until("It leads to evil.example")
        await driver.pilot.click("#open")
        await driver.until(opened.exists)
        assert opened.read_text() == f"{address}\n"


async def test_a_key_opens_or_copies_a_link_of_the_message() -> None:
    """Of several links one is chosen; without one, a sentence says so."""
    conversation = _conversation(1)
    conversation.post(
        next(iter(conversation.threads)),
        text="See [the plan](https://a.example/plan) and https://b.example",
    )
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("the plan")
        driver.main.query_one(Transcript).focus()
        await driver.pilot.press("O")
        await driver.until("Which link?")
        await driver.pilot.press("down", "enter")
        await driver.until("It leads to b.example")
        await driver.pilot.click("#copy")
        await driver.until(lambda: driver.app.clipboard == "https://b.example")
        await driver.pilot.press("g", "O")
        await driver.until("There is no link in this message.")


async def test_a_link_without_a_browser_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is opened in a browser that needs the terminal, and a notice says so."""
    opened, browser = tmp_path / "opened", tmp_path / "w3m"
    browser.write_text(f"#!/bin/sh\necho > {opened}\n")
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        pane = driver.main.thread_pane
        pane.transcript.post_message(pane.transcript.LinkClicked("https://a.example/b"))
        await driver.until("It leads to a.example")
        await driver.pilot.click("#open")
        await driver.until("No web browser can be opened here.")
        assert driver.app.clipboard == "https://a.example/b"
        assert not opened.exists()


async def test_a_removed_user_is_notified() -> None:
    """The conversation is closed, and the chat goes on."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        conversation.remove(ME)
        await driver.until("You are no longer in Tea.")
        assert chat.http.request_count("GET", f"/api/conversations/{CONVERSATION_ID}") >= 1
        await asyncio.sleep(0)


async def test_a_burst_of_keys_loses_nothing() -> None:
    """Of text, enter and more text, the first part is sent and the rest is in the composer."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        chat.auto_answer = False
        await driver.pilot.press("i")
        for key in [*"fast", "enter", *"rest"]:
            driver.app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await driver.until(lambda: list(chat.conversation.messages.values())[-1].content == "fast")
        await driver.until(lambda: driver.main.thread_pane.composer.text == "rest")


async def test_a_message_and_its_code_are_copied() -> None:
    """The source is copied, not its rendering; of several code blocks one is chosen."""
    conversation = _conversation(1)
    conversation.post(
        next(iter(conversation.threads)),
        text="Run **this**\n\n```sh\nmake\n```\n\n```py\nx = 1\n```",
    )
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("x = 1")
        driver.main.query_one(Transcript).focus()
        await driver.pilot.press("y")
        await driver.until(lambda: driver.app.clipboard.startswith("Run **this**\n\n```sh"))
        await driver.pilot.press("Y")
        await driver.until("Copy which code?")
        await driver.pilot.press("down", "enter")
        await driver.until(lambda: driver.app.clipboard == "x = 1\n")


async def test_the_key_that_stops_an_answer_is_shown() -> None:
    """The status line shows it for every focus, only while an answer is written."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("i")
        await driver.write("go on")
        await driver.pilot.press("enter")
        await driver.until("esc stops the answer · shift+tab messages · enter")
        await driver.pilot.press("shift+tab")
        await driver.until("esc stops the answer · r reply")
        await driver.pilot.press("ctrl+o")
        await driver.until("x stops the answer")
        await driver.pilot.press("x")
        await driver.until("■ stopped")
        await driver.until(lambda: "stops the answer" not in driver.text())


async def test_a_thread_that_failed_to_load_is_loaded_again() -> None:
    """The reason is in place of the messages, and F5 loads them."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("reply 2")
        other = conversation.post(text="another thread")
        chat.http.on("GET", f"/api/threads/{other}/tree", problem(503, "RGP.UNAVAILABLE", "Away."))
        driver.main.open_thread(other)
        await driver.until("F5 tries again.")
        chat.route_messages()
        await driver.pilot.press("f5")
        await driver.until(lambda: [e.message.id for e in _entries(driver)] == [other])


def _entries(driver: AppDriver) -> Sequence[Entry]:
    return driver.main.query_one(Transcript).entries


async def test_page_keys_scroll_the_messages_while_writing() -> None:
    """The focus stays in the composer."""
    async with fake_chat_server(_conversation(40)) as chat, in_conversation(chat) as driver:
        transcript = driver.main.thread_pane.transcript
        await driver.until(lambda: transcript.following)
        await driver.pilot.press("i", "pageup")
        await driver.until(lambda: not transcript.following)
        await driver.pilot.press("pagedown", "a")
        await driver.until(lambda: transcript.following)
        assert driver.main.thread_pane.composer.text == "a"
