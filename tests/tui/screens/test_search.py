"""The search, finding within a thread, and links to messages."""

from uuid import UUID

import pytest
from msgspec import structs
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, RecordedRequest
from tests.tui.app_driver import AppDriver, in_conversation
from textual.widgets import Input

from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.search import Fragment, SearchHit, SearchResult
from rustygpt_shared.problems import Problem
from rustygpt_tui.screens.search import SearchDialog

OTHER = UUID("0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab99")


def _thread(count: int = 60) -> tuple[FakeConversation, list[UUID]]:
    """A conversation with a long thread, in which every tenth message has a word, and another."""
    conversation = FakeConversation(page_size=20)
    ids = [conversation.post(text="the root")]
    for number in range(1, count):
        word = "canary" if number % 10 == 0 else "message"
        ids.append(conversation.post(ids[-1], text=f"{word} {number}"))
    conversation.post(text="another thread")
    return conversation, ids


def _hit(message: MessageView, title: str = "Tea") -> SearchHit:
    return SearchHit(message, title, "the root", [Fragment(message.content, True)])


def _serve_search(chat: FakeChatServer) -> list[RecordedRequest]:
    """Find the messages with the word; the first page of all has none, as if there were many."""
    requests: list[RecordedRequest] = []

    def respond(request: RecordedRequest) -> FakeResponse:
        requests.append(request)
        found = [m for m in chat.conversation.messages.values() if "canary" in m.content]
        hits = [_hit(message) for message in reversed(found)]
        if "root_id" in request.query:
            return FakeResponse(body=SearchResult(hits, True))
        if "cursor" not in request.query:
            return FakeResponse(body=SearchResult([], True, "c1"))
        if request.query["cursor"] == "c1":
            return FakeResponse(body=SearchResult(hits[:1], True, "c2"))
        return FakeResponse(body=SearchResult(hits[1:], True))

    chat.http.on("GET", "/api/search", respond)
    return requests


def _selected(driver: AppDriver) -> str:
    selected = driver.main.thread_pane.transcript.selected_or_lowest()
    return selected.message.content if selected else ""


@pytest.mark.parametrize("size", [(100, 30), (60, 20)])
async def test_a_hit_opens_the_thread_at_its_message(size: tuple[int, int]) -> None:
    """Hits are listed by conversation; what is older follows."""
    conversation, _ = _thread()
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, size) as driver,
    ):
        requests = _serve_search(chat)
        await driver.pilot.press("slash")
        await driver.until("Search all conversations")
        await driver.pilot.press(*"canary", "enter")
        await driver.until("Search further back")
        await driver.until("canary 50")
        assert "Tea" in driver.text()
        await driver.pilot.press("end", "enter")
        await driver.until("canary 40")
        await driver.pilot.press("enter")
        await driver.until(lambda: _selected(driver) == "canary 40")
        await driver.until("canary 40")
        assert [request.query["q"] for request in requests].count("canary") >= 3


async def test_typing_searches_and_the_list_is_one_key_away() -> None:
    """The down key does nothing before there is a list."""
    conversation, _ = _thread()
    async with (
        fake_chat_server(conversation) as chat,
        in_conversation(chat, (100, 30)) as driver,
    ):
        _serve_search(chat)
        await driver.pilot.press("slash")
        await driver.until("Search all conversations")
        await driver.pilot.press("down", *"canary")
        await driver.until("canary 50")
        field = driver.app.screen.query_one(Input)
        assert (field.value, field.has_focus) == ("canary", True)
        await driver.pilot.press("down", "enter")
        await driver.until(lambda: not isinstance(driver.app.screen, SearchDialog))
        await driver.until(lambda: _selected(driver) == "canary 50")


async def test_what_is_found_is_never_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither titles, nor names, nor texts; no escape sequence reaches the terminal."""
    conversation, ids = _thread(2)
    message = structs.replace(conversation.messages[ids[0]], author_name="[b]eve\x1b[2J")
    hit = SearchHit(message, "[red]T[/x]", "[/y]", [Fragment("[link=x]a\x1b]0;t\x07", True)])
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", "/api/search", FakeResponse(body=SearchResult([hit], False)))
        await driver.pilot.press("slash")
        await driver.until("Search all conversations")
        await driver.pilot.press("x", "enter")
        await driver.until("[red]T[/x]")
        for text in ("[b]eve[2J", "[/y]", "[link=x]a]0;t", "not all was searched"):
            assert text in driver.text()


async def test_a_refused_search_says_why() -> None:
    """Below the field, which keeps its text."""
    conversation, _ = _thread(2)
    sentence = "has: knows only has:code."
    problem = Problem("t", "Bad Request", 400, sentence, "RGP.BAD_REQUEST", sentence, "r")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", "/api/search", FakeResponse(400, problem))
        await driver.pilot.press("slash")
        await driver.until("Search all conversations")
        await driver.pilot.press(*"has:x", "enter")
        await driver.until(sentence)
        assert "has:x" in driver.text()


async def test_matches_of_the_thread_are_walked() -> None:
    """In the order of the thread, forward and back, past its ends."""
    conversation, ids = _thread()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        requests = _serve_search(chat)
        driver.main.open_thread(ids[0])
        await driver.until(lambda: not driver.is_loading)
        driver.main.focus_messages()
        await driver.pilot.press("home")
        await driver.until("the root")
        await driver.pilot.press("f")
        await driver.until("Find in this thread")
        await driver.pilot.press(*"canary", "enter")
        found = ["canary 10", "canary 20", "canary 30", "canary 20", "canary 10", "canary 50"]
        for text, key in zip(found, ["", ".", ".", ",", ",", ","], strict=True):
            if key:
                await driver.pilot.press({".": "full_stop", ",": "comma"}[key])
            await driver.until(lambda text=text: _selected(driver) == text)
        assert [request.query["root_id"] for request in requests] == [str(ids[0])]


async def test_a_pasted_link_opens_at_its_message() -> None:
    """In the search, as in the palette; the message's conversation is asked for."""
    conversation, ids = _thread()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        link = f"{chat.origin}/#/m/{ids[30]}"
        await driver.pilot.press("slash")
        await driver.until("Search all conversations")
        await driver.fill("Input", link)
        await driver.pilot.press("enter")
        await driver.until(lambda: _selected(driver) == "canary 30")


async def test_a_link_that_leads_nowhere_says_why() -> None:
    """Deleted, unknown, or of another server, which gets no request."""
    conversation, ids = _thread(3)
    conversation.messages[ids[2]] = structs.replace(
        conversation.messages[ids[2]],
        content="",
        deleted_at=conversation.messages[ids[0]].created_at,
    )
    sentence = "There is no such message, or you are not in it."
    problem = Problem("t", "Not Found", 404, sentence, "RGP.NOT_FOUND", sentence, "r")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", f"/api/messages/{OTHER}", FakeResponse(404, problem))
        for link, reason in [
            (f"#/m/{ids[2]}", "This message was deleted."),
            (f"#/m/{OTHER}", "There is no such message"),
        ]:
            await driver.pilot.press("slash")
            await driver.until("Search all conversations")
            await driver.fill("Input", f"{chat.origin}/{link}")
            await driver.pilot.press("enter")
            await driver.until(reason)
        await driver.pilot.press("slash")
        await driver.until("Search all conversations")
        await driver.fill("Input", f"https://evil.example/#/m/{ids[0]}")
        await driver.pilot.press("enter")
        await driver.until("This link is of https://evil.example")
