"""The handling of positions and messages that other processes publish.

What the messages do is up to the handlers, which `app` connects to services.
"""

from collections.abc import Callable, Mapping
from typing import assert_never
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.realtime.answer_status import AnswerStatusChanged
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import (
    AnswerEnded,
    BackplaneMessage,
    CancelAnswer,
    PresenceHeartbeat,
    ReadMarkerMoved,
    ResendRequest,
    TypingChanged,
    UnloggedEvents,
)
from rustygpt_server.realtime.catchup import CatchUp
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.remote import RemoteAnswers


class Handlers(Struct, frozen=True):
    """The callbacks for messages that concern services and the assistant."""

    on_cancel: Callable[[UUID], object]
    """Stop an answer, if this process generates it."""
    on_resend: Callable[[UUID | None], object]
    """Publish the full text of an answer that this process generates; for None all that is
    transient and of this process."""
    on_read_marker: Callable[[ReadMarkerMoved], object]
    """A user's read marker moved."""
    on_access_change: Callable[[AccessChange], object]
    """A session, an account or a membership changed."""
    on_heartbeat: Callable[[PresenceHeartbeat], object]
    """A user sent a heartbeat."""
    on_typing: Callable[[TypingChanged], object]
    """A user started or stopped to type."""
    on_gap: Callable[[], object]
    """Messages may have been missed until now."""


class BackplaneHandler:
    """The listener of a process's backplane."""

    def __init__(
        self,
        hub: Hub,
        catch_up: CatchUp,
        backplane: Backplane,
        remote_answers: RemoteAnswers,
        handlers: Handlers,
    ) -> None:
        self._hub = hub
        self._catch_up = catch_up
        self._backplane = backplane
        self._remote_answers = remote_answers
        self._handlers = handlers
        self._gap = False

    def on_positions(self, numbers: Mapping[UUID, int]) -> None:
        """Catch up with events that other processes committed."""
        for conversation_id, number in numbers.items():
            self._catch_up.advance(conversation_id, number)

    def on_message(self, message: BackplaneMessage) -> None:  # noqa: C901 - a case for each type
        """Handle a message."""
        match message:
            case AnswerDelta():
                self._remote_answers.add(message)
            case AnswerStatusChanged():
                self._remote_answers.set_status(message)
            case AnswerEnded():
                self._remote_answers.end(message)
            case ResendRequest(message_id=message_id):
                self._handlers.on_resend(message_id)
            case UnloggedEvents(events=events):
                self._hub.deliver_local(events[0].conversation_id, events)
            case AccessChange():
                self._handlers.on_access_change(message)
            case CancelAnswer(message_id=message_id):
                self._handlers.on_cancel(message_id)
            case ReadMarkerMoved():
                self._handlers.on_read_marker(message)
            case PresenceHeartbeat():
                self._handlers.on_heartbeat(message)
            case TypingChanged():
                self._handlers.on_typing(message)
            case _:
                assert_never(message)

    def on_connected(self) -> None:
        """Recover what may have been missed without a connection."""
        self._gap = True
        self._catch_up.schedule_check()
        self._handlers.on_gap()
        self._backplane.publish(ResendRequest(None))

    def pop_gap(self) -> bool:
        """Return True if messages may have been missed since the last call."""
        gap = self._gap
        self._gap = False
        return gap or not self._backplane.connected

    def expire_answers(self) -> None:
        """Forget answers of other processes that were silent for too long."""
        self._remote_answers.expire_silent()
