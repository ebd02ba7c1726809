"""Answers that other processes write, as far as this one has heard of them."""

from collections import deque
from uuid import UUID

from msgspec.structs import replace

from rustygpt_server.clock import Clock
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.passages import Passage
from rustygpt_server.realtime.words import Over, Want

ASK_AGAIN_SECONDS = 1.0
OVER_KEPT = 100


class RemoteAnswer:
    """The text of an answer, without gaps from its beginning on."""

    def __init__(self, passage: Passage, now: float) -> None:
        self.message_id = passage.message_id
        self.conversation_id = passage.conversation_id
        self.heard_at = now
        self.asked_at: float | None = None
        self._latest = passage
        self._content = ""
        self._reasoning = ""
        self._told = (0, 0)

    def add(self, passage: Passage) -> bool:
        """Grow by what is new of a piece; False when text before it is missing."""
        known = (len(self._content), len(self._reasoning))
        if passage.offset > known[0] or passage.reasoning_offset > known[1]:
            return False
        self._content += passage.content[known[0] - passage.offset :]
        self._reasoning += passage.reasoning[known[1] - passage.reasoning_offset :]
        self._latest = passage
        return True

    def news(self) -> Passage | None:
        """What readers were not told; None when there is nothing."""
        told, self._told = self._told, (len(self._content), len(self._reasoning))
        return self._passage(told) if told != self._told else None

    def whole(self) -> bytes | None:
        """One delta with all that readers were told."""
        return self._passage((0, 0)).frame() if self._told != (0, 0) else None

    def _passage(self, start: tuple[int, int]) -> Passage:
        return replace(
            self._latest,
            offset=start[0],
            content=self._content[start[0] : self._told[0]],
            reasoning_offset=start[1],
            reasoning=self._reasoning[start[1] : self._told[1]],
        )


class RemoteAnswers:
    """The answers in progress elsewhere; readers here follow and join them as local ones."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._answers: dict[UUID, RemoteAnswer] = {}
        self._over: deque[UUID] = deque(maxlen=OVER_KEPT)
        """Answers that ended lately: what comes of them is late."""
        hub.catch_up.watch(self._level)

    def add(self, passage: Passage) -> None:
        """Take a piece; where one before it was missed, the writer is asked for the whole."""
        if passage.message_id in self._over:
            return
        now = self._clock.monotonic()
        answer = self._answers.get(passage.message_id)
        if answer is None:
            answer = self._answers[passage.message_id] = RemoteAnswer(passage, now)
            self._hub.begin(answer)
        answer.heard_at = now
        if answer.add(passage):
            self._tell(answer)
        elif answer.asked_at is None or now - answer.asked_at >= ASK_AGAIN_SECONDS:
            answer.asked_at = now
            self._hub.backplane.say(Want(passage.message_id))

    def over(self, word: Over) -> None:
        """Forget an answer; its final text is a durable event."""
        self._over.append(word.message_id)
        answer = self._answers.pop(word.message_id, None)
        if answer is not None:
            self._hub.finish(answer)

    def forget_silent(self) -> None:
        """Drop answers whose end was not heard."""
        horizon = self._clock.monotonic() - self._hub.limits.silent_answer
        for answer in list(self._answers.values()):
            if answer.heard_at <= horizon:
                self.over(Over(answer.conversation_id, answer.message_id))

    def _level(self, conversation_id: UUID) -> None:
        for answer in self._hub.answers(conversation_id):
            if answer.message_id in self._answers:
                self._tell(self._answers[answer.message_id])

    def _tell(self, answer: RemoteAnswer) -> None:
        """Tell readers, unless they have not been told yet that there is such an answer."""
        if self._hub.catch_up.is_behind(answer.conversation_id):
            return
        news = answer.news()
        if news:
            self._hub.tell_text(news)
