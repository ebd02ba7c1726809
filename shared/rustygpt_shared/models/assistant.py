"""The models that answer, and the tokens that their answers used."""

from datetime import date
from uuid import UUID

from rustygpt_shared.models import Model


class ModelInfo(Model, frozen=True):
    """A model that may be chosen for a conversation or for a message."""

    id: str
    """The name that requests use."""
    provider: str
    context_tokens: int
    """The size of its context window, in tokens; an assumption where its server does not say."""
    is_default: bool


class ModelList(Model, frozen=True):
    """All models, the default first."""

    models: list[ModelInfo]


class UsageEntry(Model, frozen=True):
    """The tokens of one user, model and day (UTC)."""

    day: date
    user_id: UUID
    username: str
    model: str
    answers: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    estimated_tokens: int
    """The part of `total_tokens` that the server estimated, because no usage was reported."""


class TokenBudget(Model, frozen=True):
    """How many tokens the caller may use per day (UTC), and has used today."""

    daily_tokens: int
    used_tokens: int


class UsageReport(Model, frozen=True):
    """A page of usage, latest day first."""

    usage: list[UsageEntry]
    budget: TokenBudget | None = None
    """Absent while there is no budget."""
    next_cursor: str | None = None
