"""The transcript of one thread in a line chat."""

from typing import Any
from uuid import UUID

from msgspec import structs
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import REPLY, ROOT, TEA, TIME, conversation, message, thread

from rustygpt_shared import events
from rustygpt_shared.models.conversations import (
    ParticipantList,
    ParticipantWithPresence,
    ThreadList,
)
from rustygpt_shared.models.messages import MessageError, MessageView, ThreadPage
from rustygpt_tui.commands import chat_thread
from rustygpt_tui.commands.chat_thread import ThreadPrinter


def view(number: int, parent: int | None = None, content: str = "", **fields: Any) -> MessageView:
    """Return a message with this id and seq."""
    parent_id = UUID(int=parent) if parent else None
    return message(
        UUID(int=number), content or f"text {number}", parent_id=parent_id, seq=number, **fields
    )


def answer(number: int, content: str = "", **fields: Any) -> MessageView:
    """Return an answer to the first message."""
    return view(number, 1, content or " ", role="assistant", **fields)


def updated(view: MessageView) -> events.MessageUpdated:
    """Return the event of a message that changed."""
    return events.MessageUpdated(events.MessageUpdatedPayload(view))


def delta(number: int, offset: int, text: str) -> events.MessageDelta:
    """Return a part of an answer."""
    choice = events.DeltaChoice(0, events.DeltaText(content=text))
    return events.MessageDelta(
        events.MessageDeltaPayload(
            "x", "chat.completion.chunk", ROOT, UUID(int=number), TEA, offset, [choice]
        )
    )


def indents(text: str) -> list[tuple[int, str]]:
    """Return the indent of each heading, and what it says after the time."""
    headings = [line for line in text.split("\n") if "── " in line]
    return [(line.index("──"), line.partition(":04")[2].strip()) for line in headings]


def test_only_branches_are_indented() -> None:
    """A second reply to a message begins one, and names the message; its replies follow it."""
    printer = ThreadPrinter(ROOT)
    rows = [view(1), view(2, 1), view(3, 2), view(4, 1), view(5, 4), view(6, 3), view(7, 99)]
    assert indents("".join(printer.add(row) for row in rows)) == [
        (0, ""),
        (0, ""),
        (0, ""),
        (2, "↳ to Ada: text 1"),
        (2, ""),
        (0, "↳ to Ada: text 3"),
        (0, "↳ to an earlier message"),
    ]
    assert printer.add(view(7, 3)) == "", "each message is printed once"


def test_a_failed_answer_says_why() -> None:
    """With the reason that is kept with the message; what waited follows."""
    printer = ThreadPrinter(ROOT)
    printer.add(view(1))
    text = printer.add(answer(2, streaming=True)) + printer.add(view(3, 1, "next"))
    text += printer.feed(delta(2, 1, "Well"))
    ended = answer(
        2, " Well", finish_reason="error", error=MessageError("RGP.LLM", "No model answers.")
    )
    text += printer.feed(updated(ended))
    assert text.split("\n")[1:3] == [" Well", "(No model answers.)"]
    assert "next" in text
    assert printer.open_answers == []
    assert {one.int for one in printer.printed} == {1, 2, 3}


def test_a_target_is_shown_without_markup() -> None:
    """Its first words, as text on one line."""
    target = chat_thread.Target("assistant", "# Tea\n\n**I am** the `demo`")
    assert str(target) == "assistant: Tea I am the demo"


def test_what_waits_is_bounded() -> None:
    """Messages beyond the limit, and answers that are too long, are left out, and it says so."""
    printer = ThreadPrinter(ROOT, max_waiting_text=100)
    printer.add(view(1))
    printer.add(answer(2, streaming=True))
    assert printer.add(answer(3, streaming=True)) == ""
    assert printer.feed(delta(3, 1, "x" * 101)) == ""
    text = printer.feed(updated(answer(2, " two", finish_reason="stop")))
    assert "too long" in text
    assert printer.open_answers == [UUID(int=3)]
    for number in range(4, 4 + 2 * chat_thread.MAX_WAITING):
        assert printer.add(view(number, 1)) == ""
    text = printer.feed(updated(answer(3, " three", finish_reason="stop")))
    assert "(Some messages were left out.)" in text
    assert text.count("──") <= chat_thread.MAX_WAITING


def test_own_messages_are_not_printed_again() -> None:
    """They are known as what later messages reply to."""
    printer = ThreadPrinter(ROOT)
    printer.add(view(1))
    printer.own.add(UUID(int=2))
    assert printer.add(view(2, 1)) == ""
    assert indents(printer.add(view(3, 2))) == [(0, "")]


def test_a_note_waits_for_the_end_of_an_answer() -> None:
    """Like a message."""
    printer = ThreadPrinter(ROOT)
    assert printer.note("one") == "one\n"
    printer.add(answer(2, streaming=True))
    assert printer.note("two") == ""
    assert printer.feed(updated(answer(2, " x", finish_reason="stop"))).endswith("x\ntwo\n")


async def test_a_person_who_is_called_assistant_is_not_taken_for_it(
    signed_in: FakeHttpServer,
) -> None:
    """The role names the assistant, with its model; the person gets the user name added."""
    said = view(3, 1, author_user_id=REPLY, author_name="assistant")
    page = ThreadPage(ROOT, [view(1), answer(2, "Tea.", model="gpt-x"), said], "evt_3")
    bob = ParticipantWithPresence(REPLY, "bob", "member", TIME, "assistant", presence="online")
    route = f"/api/conversations/{TEA}"
    for path, body in {
        route: conversation(last_event_id="evt_3"),
        f"{route}/threads": ThreadList([thread()], "evt_3"),
        f"{route}/participants": ParticipantList([bob]),
        f"/api/threads/{ROOT}/messages": page,
    }.items():
        signed_in.on("GET", path, FakeResponse(body=body))
    result = await rustygpt("chat", "--conversation", str(TEA))
    headings = [line.strip() for line in result.out.splitlines() if "── " in line]
    authors = [heading.removeprefix("── ").split(",")[0] for heading in headings]
    assert authors == ["Ada", "assistant · gpt-x", "assistant (@bob)"]


def test_what_the_next_answer_waits_for() -> None:
    """Its place in the queue, then the words of its reasoning, until it has text."""
    printer = ThreadPrinter(ROOT)
    printer.add(view(1))
    assert printer.progress == ""
    printer.add(structs.replace(answer(2, streaming=True), content=""))
    waiting = events.AnswerStatusPayload(TEA, ROOT, UUID(int=2), "queued", queue_position=2)
    printer.feed(events.AnswerStatus(waiting))
    queued = printer.progress
    thoughts = events.DeltaChoice(0, events.DeltaText(reasoning="hot or cold"))
    printer.feed(
        events.MessageDelta(
            events.MessageDeltaPayload(
                "x", "chat.completion.chunk", ROOT, UUID(int=2), TEA, 0, [thoughts]
            )
        )
    )
    thinking = printer.progress
    printer.feed(delta(2, 0, "Milk."))
    assert (queued, thinking, printer.progress) == (
        "queued, 2nd in line",
        "thinking … 3 words",
        "",
    )
