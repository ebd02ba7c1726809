"""Intervals of the open conversation, which tests replace by shorter ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Intervals in seconds."""

    heartbeat_interval: float = 30
    """Between two presence heartbeats."""
    seen_after: float = 0.5
    """How long a message has to be on screen until it counts as read."""
    typing_timeout: float = 35
    """Until a typing indicator is removed here; on the server none lasts longer than 30 s."""
