"""Editing, deleting, restoring and regenerating the selected message in the terminal."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import structs
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation, person_id
from tests.tui.app_driver import AppDriver, in_conversation

from rustygpt_tui.keymap import KEYS

ANA = person_id(1)


@asynccontextmanager
async def _at_last_message(
    conversation: FakeConversation, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[tuple[FakeChatServer, AppDriver]]:
    """Run the chat with the focus on the messages, and the last one selected."""
    async with fake_chat_server(conversation) as chat, in_conversation(chat, size) as driver:
        chat.auto_answer = False
        driver.main.focus_messages()
        await driver.pilot.press("G", "j")
        last = list(conversation.messages)[-1]
        transcript = driver.main.thread_pane.transcript
        await driver.until(
            lambda: (entry := transcript.selected_or_lowest()) is not None and entry.id == last
        )
        yield chat, driver


def _group(*texts: str) -> FakeConversation:
    conversation = FakeConversation()
    conversation.add(ANA, "member")
    conversation.people[ME] = structs.replace(conversation.people[ME], role="member")
    parent = conversation.post(text="the root", author=ANA)
    for text in texts:
        parent = conversation.post(parent, text=text, author=ME)
    return conversation


async def test_an_edit_takes_the_composer_and_gives_the_draft_back() -> None:
    """The text is loaded and says so; Enter saves it, and the draft is there again."""
    conversation = _group("a slpi")
    last = list(conversation.messages)[-1]
    async with _at_last_message(conversation) as (chat, driver):
        await driver.write("my draft")
        await driver.pilot.press("e")
        await driver.until("Editing: enter saves · esc leaves")
        composer = driver.main.thread_pane.composer
        assert composer.text == "a slpi"
        await driver.pilot.press("backspace", "backspace", *"ip", "enter")
        await driver.until(lambda: conversation.messages[last].content == "a slip")
        await driver.until("edited")
        await driver.until(lambda: composer.text == "my draft")
        assert chat.http.request_count("POST", f"/api/messages/{last}/edit") == 1
        assert not [r for r in chat.http.requests if r.path.endswith("/reply")]


async def test_escape_leaves_an_edit_and_stops_no_answer() -> None:
    """The draft comes back; the message and the answer in progress are as before."""
    conversation = _group("mine")
    answer = conversation.post(list(conversation.messages)[-1], role="assistant")
    async with _at_last_message(conversation) as (_, driver):
        await driver.write("my draft")
        await driver.pilot.press("k", "e")
        await driver.until("This question has an answer")
        await driver.pilot.press("enter")
        await driver.until("Editing: enter saves")
        await driver.pilot.press("x", "escape")
        await driver.until(lambda: driver.main.thread_pane.composer.text == "my draft")
        assert "Editing" not in driver.text()
        assert conversation.messages[answer].streaming


async def test_a_refused_edit_keeps_the_text_with_the_reason() -> None:
    """The server's sentence is shown; the next Enter tries again."""
    conversation = _group("mine")
    last = list(conversation.messages)[-1]
    async with _at_last_message(conversation) as (chat, driver):
        chat.refused_changes = "You may read this conversation, but not write in it."
        await driver.pilot.press("e")
        await driver.until("Editing: enter saves")
        await driver.pilot.press("!", "enter")
        await driver.until("You may read this conversation")
        assert driver.main.thread_pane.composer.text == "mine!"
        chat.refused_changes = ""
        await driver.pilot.press("enter")
        await driver.until(lambda: conversation.messages[last].content == "mine!")


async def test_messages_of_others_are_refused_before_a_text_is_typed() -> None:
    """A member changes their own only; the sentence says who may."""
    async with _at_last_message(_group()) as (_, driver):
        await driver.pilot.press("e")
        await driver.until("Only its author and the admins of the conversation can change this")
        assert driver.main.thread_pane.composer.text == ""


async def test_a_question_with_an_answer_can_be_asked_again_beside_it() -> None:
    """The changed text is a new reply to the same parent; the old question stays."""
    conversation = _group("question")
    root, question = conversation.messages
    answer = conversation.post(question, role="assistant")
    conversation.finish(answer)
    async with _at_last_message(conversation) as (_, driver):
        await driver.pilot.press("k", "e")
        await driver.until("Ask again with a changed text")
        await driver.pilot.press("down", "enter")
        await driver.until("Asks again beside the question")
        await driver.pilot.press("!", "enter")
        await driver.until(lambda: len(conversation.messages) == 4)
        new = list(conversation.messages.values())[-1]
        assert (new.content, new.parent_id) == ("question!", root)
        assert conversation.messages[question].content == "question"
        await driver.until(lambda: driver.main.thread_pane.composer.text == "")


async def test_a_root_that_is_asked_again_opens_its_new_thread() -> None:
    """A root has no parent: the changed text starts a thread."""
    conversation = FakeConversation()
    root = conversation.post(text="question", author=ME)
    conversation.finish(conversation.post(root, role="assistant"))
    async with _at_last_message(conversation) as (_, driver):
        await driver.pilot.press("g", "e")
        await driver.until("Ask again with a changed text")
        await driver.pilot.press("down", "enter")
        await driver.until("Asks again")
        await driver.pilot.press("!", "enter")
        await driver.until(lambda: len(conversation.threads) == 2)
        await driver.until(lambda: driver.main.thread_pane.root not in (None, root))
        await driver.until("question!")


async def test_delete_asks_once_and_z_restores() -> None:
    """Cancel changes nothing; a deleted message is a line that says so."""
    conversation = _group("mine")
    last = list(conversation.messages)[-1]
    async with _at_last_message(conversation) as (_, driver):
        await driver.pilot.press("d")
        await driver.until("Delete this message?")
        await driver.pilot.press("escape")
        assert conversation.messages[last].deleted_at is None
        await driver.pilot.press("d")
        await driver.until("Delete this message?")
        await driver.pilot.press("enter")
        await driver.until(lambda: conversation.messages[last].deleted_at)
        await driver.until(lambda: "deleted" in driver.text() and "mine" not in driver.text())
        await driver.pilot.press("z")
        await driver.until("mine")


async def test_a_deletion_by_somebody_else_says_by_whom() -> None:
    """Also in the quotes of the replies to it, and with the text gone from the screen."""
    conversation = _group("first", "second")
    root, first, _ = conversation.messages
    conversation.post(first, text="another reply", author=ANA)
    async with _at_last_message(conversation) as (_, driver):
        await driver.until("↳ me: first")
        conversation.delete(first, by=ANA)
        await driver.until("deleted by p101")
        await driver.until("↳ me: (deleted by p101)")
        assert "first" not in driver.text()
        conversation.delete(root, by=ANA)
        await driver.until(lambda: "the root" not in driver.text())
        await driver.until("·  (deleted)")


async def test_regenerate_shows_the_new_answer_beside_the_old_one() -> None:
    """The old answer stays; `[` goes back to it."""
    conversation = FakeConversation()
    root = conversation.post(text="question", author=ME)
    old = conversation.post(root, role="assistant")
    conversation.stream_text(old, "old answer")
    conversation.finish(old)
    async with _at_last_message(conversation) as (_, driver):
        await driver.pilot.press("R")
        await driver.until(lambda: len(conversation.messages) == 3)
        new = list(conversation.messages)[-1]
        conversation.stream_text(new, "new answer")
        await driver.until("new answer")
        assert "old answer" in driver.text()
        assert conversation.messages[new].parent_id == root
        await driver.pilot.press("j", "left_square_bracket")
        transcript = driver.main.thread_pane.transcript
        await driver.until(
            lambda: (entry := transcript.selected_or_lowest()) is not None and entry.id == old
        )


async def test_only_answers_are_regenerated() -> None:
    """On another message the key says what it is for."""
    async with _at_last_message(_group("mine")) as (_, driver):
        await driver.pilot.press("R")
        await driver.until("Select an answer of the assistant")
        await driver.pilot.press("z")
        await driver.until("The selected message is not deleted.")


async def test_earlier_texts_are_shown_as_they_are() -> None:
    """Nothing in them is markup or controls the terminal; without any, a sentence says so."""
    conversation = _group("[red]one[/] \x1b[2J")
    last = list(conversation.messages)[-1]
    async with _at_last_message(conversation, (80, 24)) as (chat, driver):
        await driver.pilot.press("v")
        await driver.until("This message has no earlier text.")
        chat.revisions[last] = ["[red]one[/] \x1b[2J"]
        conversation.edit(last, "two")
        await driver.until("two")
        await driver.pilot.press("v")
        await driver.until("Earlier texts")
        await driver.until("[red]one[/]")
        assert "edited by me" in driver.text()
        await driver.pilot.press("escape")
        await driver.until(lambda: "Earlier texts" not in driver.text())


async def test_an_edit_is_left_with_the_thread() -> None:
    """Another thread has its own draft, and the first one has what it had before the edit."""
    conversation = _group("mine")
    other = conversation.post(text="another thread", author=ANA)
    root = next(iter(conversation.messages))
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        driver.main.open_thread(root)
        await driver.until(lambda: not driver.is_loading and "mine" in driver.text())
        await driver.write("my draft")
        driver.main.focus_messages()
        await driver.pilot.press("G", "j", "e")
        await driver.until("Editing: enter saves")
        driver.main.open_thread(other)
        await driver.until(lambda: driver.main.thread_pane.composer.text == "")
        driver.main.open_thread(root)
        await driver.until(lambda: driver.main.thread_pane.composer.text == "my draft")
        assert "Editing" not in driver.text()


def test_the_keys_are_in_the_table() -> None:
    """Help and palette list what the table has."""
    keys = {key.id: key.keys for key in KEYS}
    found = {id_: keys.get(id_) for id_ in ("rg.edit", "rg.delete", "rg.restore", "rg.regenerate")}
    assert list(found.values()) == ["e", "d", "z", "R"]
