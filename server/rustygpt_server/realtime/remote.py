"""Answers that other processes write, as far as this one has heard of them."""

from collections import deque
from uuid import UUID

from msgspec.structs import replace

from rustygpt_server.clock import Clock
from rustygpt_server.realtime.backplane_messages import AnswerEnded, ResendRequest
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.hub import Hub

RESEND_INTERVAL_SECONDS = 1.0
MAX_ENDED = 100


class RemoteAnswer:
    """The text of an answer, without gaps from its beginning on."""

    def __init__(self, delta: AnswerDelta, now: float) -> None:
        self.message_id = delta.message_id
        self.conversation_id = delta.conversation_id
        self.received_at = now
        self.resend_requested_at: float | None = None
        self._latest = delta
        self._content = ""
        self._reasoning = ""
        self._sent = (0, 0)

    def add(self, delta: AnswerDelta) -> bool:
        """Grow by what is new of a piece; False when text before it is missing."""
        received = (len(self._content), len(self._reasoning))
        if delta.offset > received[0] or delta.reasoning_offset > received[1]:
            return False
        self._content += delta.content[received[0] - delta.offset :]
        self._reasoning += delta.reasoning[received[1] - delta.reasoning_offset :]
        self._latest = delta
        return True

    def unsent_delta(self) -> AnswerDelta | None:
        """What readers were not told; None when there is nothing."""
        sent_before, self._sent = self._sent, (len(self._content), len(self._reasoning))
        return self._delta(sent_before) if sent_before != self._sent else None

    def full_text_frame(self) -> bytes | None:
        """One delta with all that readers were told."""
        return self._delta((0, 0)).frame() if self._sent != (0, 0) else None

    def _delta(self, start: tuple[int, int]) -> AnswerDelta:
        return replace(
            self._latest,
            offset=start[0],
            content=self._content[start[0] : self._sent[0]],
            reasoning_offset=start[1],
            reasoning=self._reasoning[start[1] : self._sent[1]],
        )


class RemoteAnswers:
    """The answers in progress elsewhere; readers here follow and join them as local ones."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._answers: dict[UUID, RemoteAnswer] = {}
        self._recently_ended: deque[UUID] = deque(maxlen=MAX_ENDED)
        """Answers that ended lately: what comes of them is late."""
        hub.catch_up.on_caught_up(self._flush)

    def add(self, delta: AnswerDelta) -> None:
        """Take a piece; where one before it was missed, the writer is asked for the whole."""
        if delta.message_id in self._recently_ended:
            return
        now = self._clock.monotonic()
        answer = self._answers.get(delta.message_id)
        if answer is None:
            answer = self._answers[delta.message_id] = RemoteAnswer(delta, now)
            self._hub.register_answer(answer)
        answer.received_at = now
        if answer.add(delta):
            self._flush_answer(answer)
        elif (
            answer.resend_requested_at is None
            or now - answer.resend_requested_at >= RESEND_INTERVAL_SECONDS
        ):
            answer.resend_requested_at = now
            self._hub.backplane.publish(ResendRequest(delta.message_id))

    def end(self, message: AnswerEnded) -> None:
        """Forget an answer; its final text is a durable event."""
        self._recently_ended.append(message.message_id)
        answer = self._answers.pop(message.message_id, None)
        if answer is not None:
            self._hub.unregister_answer(answer)

    def expire_silent(self) -> None:
        """Drop answers whose end was not heard."""
        horizon = self._clock.monotonic() - self._hub.limits.remote_answer_ttl
        for answer in list(self._answers.values()):
            if answer.received_at <= horizon:
                self.end(AnswerEnded(answer.conversation_id, answer.message_id))

    def _flush(self, conversation_id: UUID) -> None:
        for answer in self._hub.answers(conversation_id):
            if answer.message_id in self._answers:
                self._flush_answer(self._answers[answer.message_id])

    def _flush_answer(self, answer: RemoteAnswer) -> None:
        """Tell readers, unless they have not been told yet that there is such an answer."""
        if self._hub.catch_up.is_behind(answer.conversation_id):
            return
        delta = answer.unsent_delta()
        if delta:
            self._hub.deliver_delta(delta)
