"""ServerContext: the settings, the database login and the runtime that a server is built from."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.passwords import HashCost
from rustygpt_shared.settings import Settings


@dataclass(frozen=True)
class ServerContext:
    """What `components` builds a server from."""

    settings: Settings
    pool_url: str
    """The database's URL."""
    pool_login: PoolLogin = field(default_factory=PoolLogin)
    """The pool's login, where it is not that of the URL."""
    environ: Mapping[str, str] = field(default_factory=dict)
    runtime: Runtime = field(default_factory=Runtime)
    hash_cost: HashCost = field(default_factory=HashCost)
    setup_token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """The token that setting up the server from another machine requires."""
