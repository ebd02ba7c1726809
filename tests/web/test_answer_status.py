"""What the page says about an answer in progress, and the texts that a late tab gets."""

from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.xdist_group("live")

PROGRESS = """async ([status, partial, message]) => {
  const { progressOf } = await import("/js/answer-status.js");
  const receivedAt = performance.now() - (status?.waited ?? 0);
  const statuses = new Map(status ? [["m", { ...status, receivedAt }]] : []);
  const partials = new Map(partial ? [["m", partial]] : []);
  return progressOf({ statuses, partials }, { id: "m", streaming: true, ...message });
}"""
RATE = """async () => {
  const { withRate } = await import("/js/answer-status.js");
  let known = withRate({}, { text: "An old text of unknown age", reasoning: "" }, 1000);
  const rates = [known.rate];
  for (let step = 1; step <= 30; step += 1) {
    const text = known.text + "four".repeat(10);
    known = withRate(known, { text, reasoning: "" }, 1000 + step * 100);
    rates.push(known.rate);
  }
  return rates;
}"""
LATE = """async (events) => {
  const { makeAnswers } = await import("/js/answers.js");
  const answers = makeAnswers();
  for (const event of events) answers.apply(event);
  const shown = ({ type, payload }) => [type, payload.state ?? payload.choices[0].delta];
  return answers.list("c").map(shown);
}"""


def _delta(offset: int, reasoning_offset: int, **delta: str) -> dict[str, Any]:
    payload = {"message_id": "m", "conversation_id": "c", "offset": offset}
    choices = [{"index": 0, "delta": delta}]
    payload |= {"reasoning_offset": reasoning_offset, "choices": choices}
    return {"type": "message.delta", "payload": payload}


@pytest.mark.parametrize(
    ("status", "partial", "words"),
    [
        (None, None, "answering …"),
        ({"state": "queued", "queue_position": 1}, None, "next in line"),
        ({"state": "queued", "queue_position": 2}, None, "2nd in line"),
        ({"state": "queued", "queue_position": 11}, None, "11th in line"),
        ({"state": "queued", "queue_position": 23}, None, "23rd in line"),
        ({"state": "queued"}, None, "waiting in line"),
        ({"state": "waiting"}, None, "answering …"),
        ({"state": "waiting", "waited": 7_100}, None, "waiting for the model, 7 s"),
        ({"state": "writing"}, {"length": 0, "reasoningLength": 4, "rate": 0}, "thinking …"),
        (
            {"state": "writing", "first_token_ms": 840},
            {"length": 9, "reasoningLength": 4, "rate": 43},
            "answering … · first text after 0.8 s · about 43 tokens/s",
        ),
    ],
)
async def test_the_progress_in_words(
    fresh_origin: str, page: Page, status: Any, partial: Any, words: str
) -> None:
    """The place in the queue, the wait for the model, then its speed."""
    await page.goto(fresh_origin)
    assert (await page.evaluate(PROGRESS, [status, partial, {}]))["progress"] == words


async def test_what_was_left_out_is_said(fresh_origin: str, page: Page) -> None:
    """By the state of the answer, and afterwards by the message."""
    await page.goto(fresh_origin)
    status = {"state": "writing", "omitted_messages": 1}
    during = await page.evaluate(PROGRESS, [status, None, {}])
    assert during["omitted"] == "1 earlier message did not fit into the model's context."
    after = await page.evaluate(PROGRESS, [None, None, {"omitted_messages": 12}])
    assert after["omitted"].startswith("12 earlier messages did not fit")
    assert (await page.evaluate(PROGRESS, [None, None, {}]))["omitted"] == ""


async def test_the_rate_is_that_of_what_came_since(fresh_origin: str, page: Page) -> None:
    """It changes once per second; the text that was there at first does not count."""
    await page.goto(fresh_origin)
    rates = await page.evaluate(RATE)
    assert rates[:10] == [0] * 10
    assert set(rates[10:]) == {100}


async def test_a_late_tab_gets_states_and_texts(fresh_origin: str, page: Page) -> None:
    """Reasoning included; nothing of an answer that has ended."""
    await page.goto(fresh_origin)
    status = {"message_id": "m", "conversation_id": "c", "state": "writing"}
    events = [
        {"type": "answer.status", "payload": status},
        _delta(0, 0, reasoning="Hm🦀"),
        _delta(0, 2, content="a", reasoning="🦀m."),
        _delta(1, 5, content="b"),
    ]
    expected = [
        ["answer.status", "writing"],
        ["message.delta", {"content": "ab", "reasoning": "Hm🦀m."}],
    ]
    assert await page.evaluate(LATE, events) == expected
    done = {"type": "message.done", "payload": {"message_id": "m"}}
    assert await page.evaluate(LATE, [*events, done]) == []
