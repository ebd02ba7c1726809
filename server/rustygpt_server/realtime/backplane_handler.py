"""What this process does about what others tell it."""

from collections.abc import Callable, Mapping
from typing import assert_never
from uuid import UUID

from msgspec import Struct

from rustygpt_server.clock import Clock
from rustygpt_server.db.access_changes import AccessChange
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
from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.remote import RemoteAnswers


class Handlers(Struct, frozen=True):
    """Who upstairs is told what."""

    on_cancel: Callable[[UUID], object]
    """Stop an answer, if it is written here."""
    on_resend: Callable[[UUID | None], object]
    """Tell the whole text of an answer that is written here; for None all that is passing here."""
    on_read_marker: Callable[[ReadMarkerMoved], object]
    """A person's mark moved."""
    on_access_change: Callable[[AccessChange], object]
    """A right was given or taken."""
    on_heartbeat: Callable[[PresenceHeartbeat], object]
    """A person is there."""
    on_typing: Callable[[TypingChanged], object]
    """A person is writing, or stopped."""
    on_gap: Callable[[], object]
    """Words may have been lost until now."""


class BackplaneHandler:
    """The ear of a process."""

    def __init__(self, hub: Hub, clock: Clock, handlers: Handlers) -> None:
        self._hub = hub
        self._remote = RemoteAnswers(hub, clock)
        self._handlers = handlers
        self._gap = False

    def on_positions(self, numbers: Mapping[UUID, int]) -> None:
        """Catch up with what others wrote."""
        for conversation_id, number in numbers.items():
            self._hub.catch_up.advance(conversation_id, number)

    def on_message(self, message: BackplaneMessage) -> None:  # noqa: C901 - a case each
        """Do what a word says."""
        match message:
            case AnswerDelta():
                self._remote.add(message)
            case AnswerEnded():
                self._remote.end(message)
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
        """Make up for what was missed while nothing could be heard."""
        self._gap = True
        self._hub.catch_up.schedule_check()
        self._handlers.on_gap()
        self._hub.backplane.publish(ResendRequest(None))

    def pop_gap(self) -> bool:
        """Whether words may have been missed since this was asked last."""
        gap, self._gap = self._gap, False
        return gap or not self._hub.backplane.connected

    def expire_answers(self) -> None:
        """Drop other processes' answers that nothing more was heard of."""
        self._remote.expire_silent()
