"""What a server is made from."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.runtime import Runtime
from rustygpt_shared.settings import Settings


@dataclass(frozen=True)
class ServerContext:
    """What a server is made from."""

    settings: Settings
    pool_url: str
    """The database."""
    pool_login: PoolLogin = field(default_factory=PoolLogin)
    """What the pool logs in as, when not as the URL says."""
    environ: Mapping[str, str] = field(default_factory=dict)
    runtime: Runtime = field(default_factory=Runtime)
    setup_token: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    """What naming the administrator from another machine needs."""
