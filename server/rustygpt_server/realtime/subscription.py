"""The subscription of one stream to one conversation, as a state machine.

A stream of one conversation has one subscription; a stream of all conversations has one for each
conversation of its user.

                     start                  go_live
        OPENING ───────────► CATCHING_UP ─────────────► LIVE
           │                  ▲   │   │                 ▲  │
           │       restart    │   │   │ wait_ahead      │  │
           │    ┌─────────────┘   │   └──────► AHEAD ───┘  │
           │    │                 │              │ go_live │
           ▼    │                 ▼              ▼         ▼
          RESETTING ◄──────────────────────────────────────┘
                          request_reset, from any state above

        close: from any state above
                                  notice_lost
                        CLOSED ───────────────► NOTICE_DUE
                           ▲                         │
                           └─────────────────────────┘
                                  notice_sent

- OPENING: the stream's authorization is being checked; its start position is not known yet.
- CATCHING_UP: events between its cursor and the channel's position are read from the ring or the
  log and sent, page by page.
- AHEAD: the client has seen events that this process has not received yet. The subscription goes
  live when the channel reaches its cursor.
- LIVE: the channel delivers events to it.
- RESETTING: events were lost. Until the client has been sent `stream.reset`, no event of the
  conversation is queued for it.
- CLOSED: access to the conversation ended, or the stream did. Frames that are queued already, and
  the one that announces the end, are sent; no other follows.
- NOTICE_DUE: closed, and the queue dropped the frame that announced it: a `stream.reset` is due.

Rules that this class and its callers keep together:

- The step to LIVE is taken in the same iteration of the event loop in which cursor and channel
  position are compared, without an await between: no event can be missed or sent twice.
- RESETTING may be entered while a channel iterates over its live subscriptions. The transition
  therefore changes the subscription only; the channel drops it when the reset frame is sent.

A transition that is not drawn raises InvalidTransition: it is a mistake in the program. Three
change nothing: a second `request_reset` (the first reason stays), a second `notice_lost`, and
`start` while RESETTING, which only sets the cursor. The queue of frames, the connection and the
user belong to `subscriber`, not here.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final
from uuid import UUID

from rustygpt_shared.events import ResetReason


class SubscriptionState(Enum):
    """The states of a subscription; the module's docstring draws the transitions."""

    OPENING = auto()
    CATCHING_UP = auto()
    AHEAD = auto()
    LIVE = auto()
    RESETTING = auto()
    CLOSED = auto()
    NOTICE_DUE = auto()


# Tuples: `in` compares them by identity, while a set would call Enum.__hash__, which is slow.
_PENDING: Final = (
    SubscriptionState.CATCHING_UP,
    SubscriptionState.RESETTING,
    SubscriptionState.NOTICE_DUE,
)
_CLOSED: Final = (SubscriptionState.CLOSED, SubscriptionState.NOTICE_DUE)
_MUTED: Final = (SubscriptionState.RESETTING, SubscriptionState.NOTICE_DUE)


class InvalidTransition(RuntimeError):
    """The state of a subscription does not allow a transition."""


@dataclass(slots=True, eq=False)
class Subscription:
    """A stream's subscription to one conversation. Only its own methods assign its fields."""

    conversation_id: UUID
    state: SubscriptionState = SubscriptionState.OPENING
    cursor: int = 0
    """The number of the last event sent; not updated while the subscription is live."""
    authorized_at: int = 0
    """The event number at which the user was last known to be a member."""
    reset_reason: ResetReason | None = None
    """Why events were lost; set while RESETTING."""

    @property
    def is_pending(self) -> bool:
        """True if the stream loop has work to do before this subscription can be live or gone."""
        return self.state in _PENDING

    @property
    def is_closed(self) -> bool:
        """True once access to the conversation ended."""
        return self.state in _CLOSED

    @property
    def accepts_frames(self) -> bool:
        """False while frames of this conversation would only precede a reset."""
        return self.state not in _MUTED

    def authorize(self, number: int) -> None:
        """Record that the user was a member at an event number; it never goes back."""
        self.authorized_at = max(self.authorized_at, number)

    def limit_authorization(self, number: int) -> None:
        """Lower the authorization to an event number, because the log now ends there."""
        self.authorized_at = min(self.authorized_at, number)

    def start(self, cursor: int) -> None:
        """Start after the event with number `cursor`; a reset that was requested stays due."""
        if self.state is not SubscriptionState.RESETTING:
            self._require(SubscriptionState.OPENING)
            self.state = SubscriptionState.CATCHING_UP
        self.cursor = cursor

    def advance(self, cursor: int) -> None:
        """Record that events up to the number `cursor` were read for sending."""
        self._require(SubscriptionState.CATCHING_UP)
        self.cursor = cursor

    def wait_ahead(self) -> None:
        """Wait until the channel reaches the cursor."""
        self._require(SubscriptionState.CATCHING_UP)
        self.state = SubscriptionState.AHEAD

    def go_live(self) -> None:
        """Receive events from the channel, whose position equals the cursor."""
        self._require(SubscriptionState.CATCHING_UP, SubscriptionState.AHEAD)
        self.state = SubscriptionState.LIVE

    def request_reset(self, reason: ResetReason) -> None:
        """Note that events were lost; the first reason stays."""
        if self.state is SubscriptionState.RESETTING:
            return
        if self.is_closed:
            raise InvalidTransition(f"a closed subscription cannot be reset ({reason})")
        self.state = SubscriptionState.RESETTING
        self.reset_reason = reason

    def restart(self, position: int) -> ResetReason:
        """Continue from the channel's position, and return why; the caller sends `stream.reset`."""
        self._require(SubscriptionState.RESETTING)
        reason = self.reset_reason or "overflow"
        self.reset_reason = None
        self.cursor = position
        self.state = SubscriptionState.CATCHING_UP
        return reason

    def close(self) -> None:
        """End the subscription; a reset that was requested is not due any more."""
        if self.is_closed:
            raise InvalidTransition("the subscription is closed already")
        self.state = SubscriptionState.CLOSED
        self.reset_reason = None

    def notice_lost(self) -> None:
        """Note that the queue dropped the frame that announced the end."""
        if self.state is not SubscriptionState.NOTICE_DUE:
            self._require(SubscriptionState.CLOSED)
            self.state = SubscriptionState.NOTICE_DUE

    def notice_sent(self) -> None:
        """Note that the end was announced again, or need not be."""
        self._require(SubscriptionState.NOTICE_DUE)
        self.state = SubscriptionState.CLOSED

    def _require(self, *allowed: SubscriptionState) -> None:
        if self.state not in allowed:
            raise InvalidTransition(f"not allowed while the subscription is {self.state.name}")
