"""Answers that other processes generate, as far as this process has received them."""

from collections import deque
from uuid import UUID

from msgspec.structs import replace

from rustygpt_server.realtime.answer_status import AnswerStatusChanged
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import AnswerEnded, ResendRequest
from rustygpt_server.realtime.catchup import CatchUp
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime

RESEND_INTERVAL_SECONDS = 1.0
"""At most one resend request per answer in this time."""
MAX_ENDED = 100
"""How many ended answers are remembered, to ignore what arrives late."""


class RemoteAnswer:
    """The state of an answer, and its text from the beginning, without gaps."""

    def __init__(self, first: AnswerDelta | AnswerStatusChanged, now: float) -> None:
        self.message_id = first.message_id
        self.conversation_id = first.conversation_id
        self.received_at = now
        self.resend_requested_at: float | None = None
        self.status: AnswerStatusChanged | None = None
        self._latest: AnswerDelta | None = None
        self._content = ""
        self._reasoning = ""
        self._sent = (0, 0)
        """How many code points of content and reasoning were sent to subscribers."""

    def add(self, delta: AnswerDelta) -> bool:
        """Add the new text of a delta; return False if text before it is missing."""
        received = (len(self._content), len(self._reasoning))
        if delta.offset > received[0] or delta.reasoning_offset > received[1]:
            return False
        self._content += delta.content[received[0] - delta.offset :]
        self._reasoning += delta.reasoning[received[1] - delta.reasoning_offset :]
        self._latest = delta
        return True

    def unsent_delta(self) -> AnswerDelta | None:
        """Return the text that was not sent yet and count it as sent; None if there is none."""
        sent_before = self._sent
        self._sent = (len(self._content), len(self._reasoning))
        return self._delta(sent_before) if sent_before != self._sent else None

    def full_text_frame(self) -> bytes | None:
        """Return one delta frame with all text that was sent, or None if there is none."""
        delta = self._delta((0, 0)) if self._sent != (0, 0) else None
        return delta.frame() if delta else None

    def status_frame(self) -> bytes | None:
        """Return one frame with the latest state, or None if there is none."""
        return self.status.frame() if self.status else None

    def _delta(self, start: tuple[int, int]) -> AnswerDelta | None:
        if self._latest is None:
            return None
        return replace(
            self._latest,
            offset=start[0],
            content=self._content[start[0] : self._sent[0]],
            reasoning_offset=start[1],
            reasoning=self._reasoning[start[1] : self._sent[1]],
        )


class RemoteAnswers:
    """The answers in progress in other processes; streams follow and join them like local ones.

    A delta is sent only while the channel is not behind: subscribers get `message.new` first.
    """

    def __init__(self, hub: Hub, catch_up: CatchUp, backplane: Backplane, runtime: Runtime) -> None:
        self._hub = hub
        self._catch_up = catch_up
        self._backplane = backplane
        self._clock = runtime.clock
        self._ttl = runtime.limits.remote_answer_ttl
        self._answers: dict[UUID, RemoteAnswer] = {}
        self._recently_ended: deque[UUID] = deque(maxlen=MAX_ENDED)
        catch_up.on_caught_up(self._flush)

    def add(self, delta: AnswerDelta) -> None:
        """Handle a delta; if text before it is missing, request the full text from its process."""
        answer = self._answer_of(delta)
        if answer is None:
            return
        now = answer.received_at
        if answer.add(delta):
            self._flush_answer(answer)
        elif (
            answer.resend_requested_at is None
            or now - answer.resend_requested_at >= RESEND_INTERVAL_SECONDS
        ):
            answer.resend_requested_at = now
            self._backplane.publish(ResendRequest(delta.message_id))

    def set_status(self, status: AnswerStatusChanged) -> None:
        """Handle the state of an answer; it is sent after the answer's `message.new`."""
        answer = self._answer_of(status)
        if answer is not None and answer.status != status:
            answer.status = status
            self._hub.deliver_status(status)

    def _answer_of(self, message: AnswerDelta | AnswerStatusChanged) -> RemoteAnswer | None:
        """Return the answer that a message is about, a new one for the first; None if it ended."""
        if message.message_id in self._recently_ended:
            return None
        now = self._clock.monotonic()
        answer = self._answers.get(message.message_id)
        if answer is None:
            answer = self._answers[message.message_id] = RemoteAnswer(message, now)
            self._hub.register_answer(answer)
        answer.received_at = now
        return answer

    def end(self, message: AnswerEnded) -> None:
        """Forget an answer; its final text is a durable event."""
        self._recently_ended.append(message.message_id)
        answer = self._answers.pop(message.message_id, None)
        if answer is not None:
            self._hub.unregister_answer(answer)

    def expire_silent(self) -> None:
        """Forget answers without a delta for TimeLimits.remote_answer_ttl seconds."""
        horizon = self._clock.monotonic() - self._ttl
        for answer in list(self._answers.values()):
            if answer.received_at <= horizon:
                self.end(AnswerEnded(answer.conversation_id, answer.message_id))

    def _flush(self, conversation_id: UUID) -> None:
        for answer in self._hub.answers(conversation_id):
            if answer.message_id in self._answers:
                self._flush_answer(self._answers[answer.message_id])

    def _flush_answer(self, answer: RemoteAnswer) -> None:
        """Send the new text to subscribers, unless they may not have got the message itself yet."""
        if self._catch_up.is_behind(answer.conversation_id):
            return
        delta = answer.unsent_delta()
        if delta:
            self._hub.deliver_delta(delta)
