"""Accounts at other providers with which users sign in."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from rustygpt_shared.models import Model

ProviderName = Literal["github", "apple", "oidc"]


class SignInProvider(Model, frozen=True):
    """A provider that people can sign in by."""

    name: ProviderName
    label: str
    """What people call it."""
    url: str
    """Where a browser begins to sign in, at the server's public address."""
    device: bool = False
    """Whether a terminal can sign in by it, with a code: `POST /api/oauth/{provider}/device`."""


class SignInProviders(Model, frozen=True):
    """The providers that are configured."""

    providers: list[SignInProvider]


class LinkedIdentity(Model, frozen=True):
    """An account at a provider that signs its owner in."""

    id: UUID
    provider: ProviderName
    issuer: str
    label: str | None
    """What the provider calls the account; null if it does not say."""
    created_at: datetime
    last_used_at: datetime | None = None


class LinkedIdentities(Model, frozen=True):
    """The caller's accounts at providers, and whether a password signs the caller in too."""

    identities: list[LinkedIdentity]
    has_password: bool


class AuthorizationUrl(Model, frozen=True):
    """The provider's page, which the browser has to open next."""

    url: str
