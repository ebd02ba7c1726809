"""Profiles of rate limits, and the routes that they are assigned to."""

from datetime import datetime
from uuid import UUID

from rustygpt_shared.models import Model


class LimitParams(Model, frozen=True):
    """The rate of a profile: `burst` requests at once, then so many per second."""

    requests_per_second: float
    burst: int


class LimitProfile(Model, frozen=True):
    """A named rate."""

    id: UUID
    name: str
    algorithm: str
    params: LimitParams
    """Those of the settings, unless an administrator has changed them."""
    created_at: datetime
    updated_at: datetime
    description: str | None = None


class LimitAssignment(Model, frozen=True):
    """A profile and the routes that it limits."""

    id: UUID
    profile_id: UUID
    profile_name: str
    method: str
    path_pattern: str
    created_at: datetime
    updated_at: datetime
