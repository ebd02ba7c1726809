"""What the header of an answer in progress says."""

from msgspec import structs
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation

from rustygpt_tui.conversation.answer_progress import AnswerProgress, estimated_tokens
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import load, with_tree
from rustygpt_tui.store.state import State


class Answer:
    """An answer in progress, its state in the store, and a clock."""

    def __init__(self) -> None:
        self.conversation = FakeConversation()
        self.root = self.conversation.post(text="why?", author=ME)
        self.id = self.conversation.post(self.root, role="assistant")
        self.now = 100.0
        self.progress = AnswerProgress(lambda: self.now)
        self.state: State | None = None
        self._applied = 0

    async def load(self) -> "Answer":
        """Load the state, as a client does that opens the thread now."""
        state = await load(self.conversation, CONVERSATION_ID, ME)
        self.state = with_tree(state, await self.conversation.list_tree(self.root))
        self._applied = len(self.conversation.sent)
        return self

    def labels(self, *, tick: bool = True) -> tuple[str, ...]:
        """Apply what was sent, and return the labels; `tick` is the one of each second."""
        assert self.state is not None
        for event in self.conversation.sent[self._applied :]:
            self.state, changes = apply(self.state, event)
            self.progress.on_streamed(self.state, changes.streamed)
            self.progress.update(self.state, changes.statuses)
        self._applied = len(self.conversation.sent)
        if tick:
            self.progress.update(self.state, [self.id])
        live = self.progress.live(self.state, self.id)
        return live.labels if live else ()


async def test_a_place_in_the_queue_and_then_the_seconds_of_waiting() -> None:
    """Each state has texts for wide and for narrow headers."""
    answer = await Answer().load()

    answer.conversation.send_status(answer.id, "queued", queue_position=2)
    assert answer.labels() == ("queued, 2nd in line", "queued")
    answer.conversation.send_status(answer.id, "queued", queue_position=1)
    assert answer.labels()[0] == "next in line"
    answer.now = 110.0
    answer.conversation.send_status(answer.id, "waiting")
    answer.labels()
    answer.now = 122.4
    assert answer.labels() == ("waiting for the model 12 s", "waiting 12 s", "waiting")


async def test_the_speed_is_estimated_from_the_text_since_the_first_of_it() -> None:
    """It changes with the ticks only, so that it can be read."""
    answer = await Answer().load()
    answer.conversation.send_status(answer.id, "writing", first_token_ms=840)
    answer.conversation.stream_text(answer.id, "word")
    assert answer.labels()[0] == "writing · 0.8 s to first token"
    answer.now += 2.0
    answer.conversation.stream_text(answer.id, "x" * 396)
    assert "tok/s" not in answer.labels(tick=False)[0]

    assert answer.labels() == (
        "writing · 0.8 s to first token · ~50 tok/s",
        "writing · ~50 tok/s",
        "writing ~50/s",
        "writing",
    )


async def test_text_from_before_the_first_look_is_not_counted() -> None:
    """Nothing is known of how long it took."""
    answer = Answer()
    answer.conversation.stream_text(answer.id, "x" * 40_000)
    message = answer.conversation.messages[answer.id]
    answer.conversation.messages[answer.id] = structs.replace(message, content="x" * 40_000)
    await answer.load()
    answer.labels()
    answer.conversation.stream_text(answer.id, "y" * 40)
    answer.now += 1.0

    assert answer.labels()[0] == "writing · ~10 tok/s"


async def test_reasoning_counts_as_text() -> None:
    """A model that reasons is at work, and the speed includes it."""
    answer = await Answer().load()
    assert answer.labels()[0] == "waiting for the model 0 s"
    answer.conversation.stream_reasoning(answer.id, "思考" * 10)
    answer.labels()
    answer.now += 1.0

    assert answer.labels() == ("thinking · ~20 tok/s", "thinking ~20/s", "thinking")
    answer.conversation.stream_text(answer.id, "So")
    assert answer.labels(tick=False)[0].startswith("writing")


async def test_answers_that_ended_are_forgotten() -> None:
    """What was seen of them is dropped with the next look at any answer."""
    answer = await Answer().load()
    answer.labels()
    answer.conversation.finish(answer.id)

    assert answer.labels() == ()
    assert not answer.progress._by_id


def test_tokens_are_estimated() -> None:
    """Four characters are a token, and each wide one is another."""
    assert estimated_tokens("four" * 3) == 3
    assert estimated_tokens("漢字 ab") == 2 + 3 / 4
