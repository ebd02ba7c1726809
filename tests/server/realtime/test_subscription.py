"""The state machine of a subscription: each transition, and those that are not allowed."""

import ast
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

import rustygpt_server
from rustygpt_server.realtime.subscription import (
    InvalidTransition,
    Subscription,
    SubscriptionState,
)

OPENING = SubscriptionState.OPENING
CATCHING_UP = SubscriptionState.CATCHING_UP
AHEAD = SubscriptionState.AHEAD
LIVE = SubscriptionState.LIVE
RESETTING = SubscriptionState.RESETTING
CLOSED = SubscriptionState.CLOSED
NOTICE_DUE = SubscriptionState.NOTICE_DUE

Transition = Callable[[Subscription], object]

TRANSITIONS: dict[str, Transition] = {
    "start": lambda subscription: subscription.start(5),
    "advance": lambda subscription: subscription.advance(6),
    "wait_ahead": lambda subscription: subscription.wait_ahead(),
    "go_live": lambda subscription: subscription.go_live(),
    "request_reset": lambda subscription: subscription.request_reset("overflow"),
    "restart": lambda subscription: subscription.restart(9),
    "close": lambda subscription: subscription.close(),
    "notice_lost": lambda subscription: subscription.notice_lost(),
    "notice_sent": lambda subscription: subscription.notice_sent(),
}

PATHS: dict[SubscriptionState, list[str]] = {
    OPENING: [],
    CATCHING_UP: ["start"],
    AHEAD: ["start", "wait_ahead"],
    LIVE: ["start", "go_live"],
    RESETTING: ["start", "request_reset"],
    CLOSED: ["start", "close"],
    NOTICE_DUE: ["start", "close", "notice_lost"],
}
"""The transitions that lead from the initial state to each state."""

ALLOWED: dict[tuple[SubscriptionState, str], SubscriptionState] = {
    (OPENING, "start"): CATCHING_UP,
    (OPENING, "request_reset"): RESETTING,
    (OPENING, "close"): CLOSED,
    (CATCHING_UP, "advance"): CATCHING_UP,
    (CATCHING_UP, "wait_ahead"): AHEAD,
    (CATCHING_UP, "go_live"): LIVE,
    (CATCHING_UP, "request_reset"): RESETTING,
    (CATCHING_UP, "close"): CLOSED,
    (AHEAD, "go_live"): LIVE,
    (AHEAD, "request_reset"): RESETTING,
    (AHEAD, "close"): CLOSED,
    (LIVE, "request_reset"): RESETTING,
    (LIVE, "close"): CLOSED,
    (RESETTING, "start"): RESETTING,
    (RESETTING, "request_reset"): RESETTING,
    (RESETTING, "restart"): CATCHING_UP,
    (RESETTING, "close"): CLOSED,
    (CLOSED, "notice_lost"): NOTICE_DUE,
    (NOTICE_DUE, "notice_lost"): NOTICE_DUE,
    (NOTICE_DUE, "notice_sent"): CLOSED,
}
FORBIDDEN = [
    (state, name)
    for state in SubscriptionState
    for name in TRANSITIONS
    if (state, name) not in ALLOWED
]


def subscription_in(state: SubscriptionState) -> Subscription:
    """Return a subscription that was brought to a state."""
    subscription = Subscription(UUID(int=1))
    for name in PATHS[state]:
        TRANSITIONS[name](subscription)
    assert subscription.state is state
    return subscription


@pytest.mark.parametrize(("state", "name"), ALLOWED)
def test_an_allowed_transition_leads_to_the_next_state(state: SubscriptionState, name: str) -> None:
    """Every arrow of the diagram leads where it points to."""
    subscription = subscription_in(state)

    TRANSITIONS[name](subscription)

    assert subscription.state is ALLOWED[state, name]


@pytest.mark.parametrize(("state", "name"), FORBIDDEN)
def test_a_forbidden_transition_raises_and_changes_nothing(
    state: SubscriptionState, name: str
) -> None:
    """Whatever the diagram does not show is a mistake in the program."""
    subscription = subscription_in(state)
    before = (subscription.cursor, subscription.reset_reason)

    with pytest.raises(InvalidTransition):
        TRANSITIONS[name](subscription)

    assert subscription.state is state
    assert (subscription.cursor, subscription.reset_reason) == before


@pytest.mark.parametrize(
    ("state", "is_pending", "is_closed", "accepts_frames"),
    [
        (OPENING, False, False, True),
        (CATCHING_UP, True, False, True),
        (AHEAD, False, False, True),
        (LIVE, False, False, True),
        (RESETTING, True, False, False),
        (CLOSED, False, True, True),
        (NOTICE_DUE, True, True, False),
    ],
)
def test_each_state_says_what_may_be_done(
    state: SubscriptionState,
    is_pending: bool,
    is_closed: bool,
    accepts_frames: bool,
) -> None:
    """The stream loop works on pending states; frames before a reset frame are not queued."""
    subscription = subscription_in(state)

    assert subscription.is_pending == is_pending
    assert subscription.is_closed == is_closed
    assert subscription.accepts_frames == accepts_frames


def test_the_cursor_follows_what_was_sent() -> None:
    """It starts where the client is, and moves with the pages that are read."""
    subscription = Subscription(UUID(int=1))
    subscription.start(5)
    assert subscription.cursor == 5
    subscription.advance(8)

    assert subscription.cursor == 8


def test_the_first_reset_reason_stays() -> None:
    """A later loss does not replace it; the restart returns it once."""
    subscription = subscription_in(LIVE)
    subscription.request_reset("trimmed")
    subscription.request_reset("overflow")

    assert subscription.reset_reason == "trimmed"
    assert subscription.restart(9) == "trimmed"
    assert (subscription.reset_reason, subscription.cursor) == (None, 9)


def test_a_reset_requested_while_opening_is_still_due_after_the_start() -> None:
    """The log went back while the stream was being authorized."""
    subscription = Subscription(UUID(int=1))
    subscription.request_reset("trimmed")
    subscription.start(5)

    assert (subscription.state, subscription.reset_reason) == (RESETTING, "trimmed")


def test_closing_takes_a_reset_back() -> None:
    """The client only needs to know that it lost the conversation."""
    subscription = subscription_in(RESETTING)
    subscription.close()

    assert subscription.reset_reason is None


def test_an_authorization_only_moves_forward() -> None:
    """Only a log that went back lowers it."""
    subscription = Subscription(UUID(int=1))
    subscription.authorize(7)
    subscription.authorize(3)
    assert subscription.authorized_at == 7
    subscription.limit_authorization(9)
    assert subscription.authorized_at == 7
    subscription.limit_authorization(2)

    assert subscription.authorized_at == 2


def test_no_other_module_assigns_the_fields() -> None:
    """A state changes by a transition only."""
    fields = {"state", "cursor", "authorized_at", "reset_reason"}
    folder = Path(rustygpt_server.__file__).parent
    assignments = [
        f"{file.name}:{node.lineno}"
        for package in ("realtime", "services", "app")
        for file in (folder / package).glob("*.py")
        if file.name != "subscription.py"
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and node.attr in fields
    ]

    assert assignments == []
