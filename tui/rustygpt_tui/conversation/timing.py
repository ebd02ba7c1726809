"""Intervals of the open conversation, which tests replace by shorter ones."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """Intervals in seconds."""

    heartbeat_interval: float = 30
    """Between two presence heartbeats."""
    list_refresh_interval: float = 15
    """Between two requests for the list of conversations."""
    typing_timeout: float = 35
    """Until a typing indicator is removed here; on the server none lasts longer than 30 s."""
