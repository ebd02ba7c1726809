"""Loading parts of threads."""

from uuid import UUID

import pytest
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.conversation.live_client import live_client

from rustygpt_tui.conversation.thread_loader import ThreadLoader
from rustygpt_tui.errors import NotFound
from rustygpt_tui.store.tree import END, PathRange


def _long_thread(count: int = 60, page_size: int = 10) -> tuple[FakeConversation, list[UUID]]:
    """Return a conversation with a linear thread, and the ids of its messages."""
    conversation = FakeConversation(page_size=page_size)
    ids = [conversation.post(text="0")]
    for number in range(1, count):
        ids.append(conversation.post(ids[-1], text=str(number)))
    return conversation, ids


def _tree_requests(chat: FakeChatServer, root: UUID) -> int:
    return chat.http.request_count("GET", f"/api/threads/{root}/tree")


async def test_a_window_is_fetched_once() -> None:
    """A place that is loaded is shown without a request; so are the pages around it, later on."""
    conversation, ids = _long_thread()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        loader = ThreadLoader(client.session)
        middle = await loader.open_at(ids[0], ids[30])
        assert await loader.open_at(ids[0], ids[31]) == middle
        assert _tree_requests(chat, ids[0]) == 1
        tree = client.state.trees[ids[0]]
        assert [m.id for m in tree.within(middle)] == ids[25:35]
        below = await loader.extend(ids[0], middle, down=True)
        both = await loader.extend(ids[0], below, down=False)
        assert [m.id for m in client.state.trees[ids[0]].within(both)] == ids[15:45]
        assert _tree_requests(chat, ids[0]) == 3


async def test_the_end_and_the_start_are_reached_without_the_middle() -> None:
    """At both ends of the thread there is nothing more to load."""
    conversation, ids = _long_thread()
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        loader = ThreadLoader(client.session)
        end = await loader.open_end(ids[0])
        start = await loader.open_at(ids[0], ids[0])
        assert (start.has_start, start.has_end) == (True, False)
        assert (end.has_start, end.has_end) == (False, True)
        assert await loader.extend(ids[0], start, down=False) == start
        assert await loader.extend(ids[0], end, down=True) == end
        while not start.has_end:
            start = await loader.extend(ids[0], start, down=True)
        assert client.state.trees[ids[0]].ranges == (PathRange("", END),)
        assert [m.id for m in client.state.trees[ids[0]]] == ids


async def test_a_message_that_is_gone_is_not_found() -> None:
    """The caller then shows the end of the thread."""
    conversation, ids = _long_thread(5)
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        loader = ThreadLoader(client.session)
        with pytest.raises(NotFound):
            await loader.open_at(ids[0], UUID(int=77))
        assert await loader.get_messages([ids[1], UUID(int=77)]) == [conversation.messages[ids[1]]]


async def test_unread_messages_are_known_page_by_page() -> None:
    """Each call fetches the next ones above the mark, until all are known."""
    conversation, ids = _long_thread(1)
    async with fake_chat_server(conversation) as chat:
        for number in range(25):
            conversation.post(ids[0], text=str(number))
        async with live_client(chat) as client:
            loader = ThreadLoader(client.session)
            counts = []
            for _ in range(4):
                await loader.load_ahead(ids[0])
                counts.append(len(client.state.readings[ids[0]].ahead))
            assert counts == [10, 20, 25, 25]


async def test_the_next_reply_to_the_same_message_is_found_pages_away() -> None:
    """In both directions, up to a number of pages."""
    conversation = FakeConversation(page_size=5)
    root = conversation.post()
    first = conversation.post(root)
    last = first
    for _ in range(30):
        last = conversation.post(last)
    second = conversation.post(root)
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        loader = ThreadLoader(client.session)
        messages = conversation.messages
        assert await loader.find_sibling(messages[first], 1) == messages[second]
        assert await loader.find_sibling(messages[second], -1) == messages[first]
        assert await loader.find_sibling(messages[second], 1) is None
        assert await loader.find_sibling(messages[last], 1) is None
        assert await loader.find_sibling(messages[first], 1, max_pages=2) is None


async def test_all_answers_to_a_question_are_loaded() -> None:
    """However much is below the first ones; replies of people and later branches are left out."""
    conversation = FakeConversation(page_size=10)
    root = conversation.post(text="root")
    question = conversation.post(root, text="why?")
    answers = [conversation.post(question, role="assistant")]
    below = answers[0]
    for number in range(25):
        below = conversation.post(below, text=str(number))
    conversation.post(question, text="I know it")
    answers.append(conversation.post(question, role="assistant"))
    other = conversation.post(root, text="another question")
    conversation.post(other, role="assistant")
    async with fake_chat_server(conversation) as chat, live_client(chat) as client:
        loader = ThreadLoader(client.session)
        assert await loader.load_answers(conversation.messages[question]) == answers
        assert all(client.state.message(answer) for answer in answers)
        assert await loader.load_answers(conversation.messages[root]) == []
