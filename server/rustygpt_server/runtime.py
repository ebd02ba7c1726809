"""What nearly every part of a server process needs: its clock, its time limits, its metrics.

Handed to constructors as one value. Configuration, connections and services do not belong here.
"""

from dataclasses import dataclass, field

from rustygpt_server.clock import Clock, SystemClock, TimeLimits
from rustygpt_server.telemetry import Metrics


@dataclass(frozen=True)
class Runtime:
    """The clock, the time limits and the metrics of one server process."""

    clock: Clock = field(default_factory=SystemClock)
    limits: TimeLimits = field(default_factory=TimeLimits)
    metrics: Metrics = field(default_factory=Metrics)
