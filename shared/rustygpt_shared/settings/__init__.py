"""Every setting there is: one struct a section, its defaults, and what each value means.

A default shown here is that of the `dev` profile; `PROFILES` names what the others change.
How files, environment and flags are laid over the defaults is the business of `load`.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]


class Section(Struct, frozen=True, kw_only=True):
    """A group of settings."""


class Logging(Section, frozen=True):
    """What the server writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "debug"
    """The least severity that is written; `info` outside the dev profile."""
    format: Literal["text", "json"] = "text"
    """`json` writes one object per line."""


class Server(Section, frozen=True):
    """Where the server listens, and what it takes."""

    host: str = "127.0.0.1"
    """The address to listen on; `0.0.0.0` in the prod profile."""
    port: Port = 8080
    """The port to listen on; 0 lets the system choose."""
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    """How many processes serve; one per core is enough."""
    public_base_url: str | None = None
    """The address people use, when it differs from the one listened on."""
    request_id_header: str = "x-request-id"
    """The header a request id is taken from and answered in."""
    trusted_proxies: list[str] = []
    """Addresses or networks of proxies whose `X-Forwarded-For` is believed."""
    body_limit_bytes: Positive = 1_048_576
    """The largest request body that is read."""


class Hsts(Section, frozen=True):
    """Strict-Transport-Security."""

    enabled: bool = False
    """Send the header; true in the prod profile."""
    max_age_seconds: Positive = 63_072_000
    """How long browsers remember it."""
    include_subdomains: bool = False
    """Extend it to subdomains."""
    preload: bool = False
    """Ask for a place in browsers' built-in lists."""


class Cookie(Section, frozen=True):
    """Attributes of both cookies."""

    domain: str | None = None
    """The cookies' domain; none means this host only."""
    secure: bool = False
    """Only over HTTPS; true in the prod profile."""
    same_site: Literal["lax", "strict"] = "lax"
    """SameSite of the session cookie."""


class Csrf(Section, frozen=True):
    """Protection of cookie requests against other sites."""

    enabled: bool = True
    """Ask for the token on every request that changes something."""
    cookie_name: str = "CSRF-TOKEN"
    """The cookie scripts read the token from."""
    header_name: str = "X-CSRF-TOKEN"
    """The header the token comes back in."""


class Security(Section, frozen=True):
    """Headers, cookies and CSRF."""

    hsts: Hsts = field(default_factory=Hsts)
    cookie: Cookie = field(default_factory=Cookie)
    csrf: Csrf = field(default_factory=Csrf)


class SessionSettings(Section, frozen=True):
    """How long a login lasts."""

    idle_seconds: Seconds = 28_800
    """A session unused for so long ends."""
    absolute_seconds: Seconds = 604_800
    """A session ends after so long, used or not."""
    session_cookie_name: str = "SESSION_ID"
    """The cookie that holds the session's token."""
    max_sessions_per_user: Positive = 5
    """A login beyond so many ends the oldest."""


class Auth(Section, frozen=True):
    """Sessions."""

    session: SessionSettings = field(default_factory=SessionSettings)


class Db(Section, frozen=True):
    """PostgreSQL: one of yours, or the embedded one when no `url` is given."""

    url: str | None = None
    """`postgresql://…`; without it the server runs its own PostgreSQL. A secret."""
    owner_url: str | None = None
    """The same database as a role that may create roles and tables; default `url`. A secret."""
    data_dir: str | None = None
    """Where the embedded PostgreSQL keeps its data; by default the user's data folder."""
    statement_timeout_ms: Positive = 5_000
    """The longest a statement may run."""
    max_connections: Annotated[int, Meta(ge=2, le=1_000)] = 10
    """The size of the connection pool of each process."""


class Persistence(Section, frozen=True):
    """The log of events that streams resume from."""

    enabled: bool = True
    """Without the log, streams resume from what their process still has, and load anew beyond."""
    retention_hours: Positive = 48
    """Events older than this are pruned."""
    max_events_per_conversation: Positive = 5_000
    """Beyond so many, a conversation's oldest events are pruned."""
    prune_batch_size: Positive = 500
    """How many events one pruning statement takes."""


class BackplaneSettings(Section, frozen=True):
    """How processes on one database hear of each other's events."""

    url: str | None = None
    """`redis://…`; without it PostgreSQL's NOTIFY is used. A secret."""


class Backpressure(Section, frozen=True):
    """What happens to readers that are too slow."""

    drop_strategy: Literal["drop_tokens", "drop_tokens_and_system"] = "drop_tokens_and_system"
    """What a slow reader loses before it has to load anew: pieces of answers, or these and then
    passing events (typing, presence, unread counts) too."""
    warn_queue_ratio: Annotated[float, Meta(gt=0, le=1)] = 0.75
    """A reader whose queue is so full is counted and logged as slow."""


class Sse(Section, frozen=True):
    """Streams."""

    heartbeat_seconds: Annotated[int, Meta(ge=1, le=20)] = 20
    """A comment is sent after so much silence."""
    channel_capacity: Annotated[int, Meta(ge=8)] = 128
    """How many events may wait for one reader."""
    max_streams: Positive = 20_000
    """Open streams per process."""
    max_streams_per_user: Positive = 64
    """Open streams per person and process."""
    max_backfill_events: Positive = 512
    """A reader further behind than this is told to load anew."""
    persistence: Persistence = field(default_factory=Persistence)
    backpressure: Backpressure = field(default_factory=Backpressure)
    backplane: BackplaneSettings = field(default_factory=BackplaneSettings)


class Features(Section, frozen=True):
    """Parts that can be switched off; read at start."""

    auth_v1: bool = True
    """Sessions, and every route that needs one."""
    sse_v1: bool = True
    """Streams."""


class Web(Section, frozen=True):
    """The web page."""

    static_dir: str | None = None
    """A folder to serve instead of the packaged page."""


class Provider(Section, frozen=True):
    """A server of language models."""

    kind: Literal["openai", "demo"]
    """`openai` speaks to any OpenAI-compatible server; `demo` is built in and no model."""
    base_url: str | None = None
    """Such as `http://127.0.0.1:11434/v1`."""
    api_key: str | None = None
    """Sent as a Bearer token, to `base_url` only. A secret."""
    headers: dict[str, str] = {}
    """Further headers for the provider. Secret."""


class Model(Section, frozen=True):
    """A model people may choose."""

    provider: str
    """The provider's name under `llm.providers`."""
    name: str | None = None
    """What the provider calls it; by default the same name."""
    context_tokens: Positive = 8_192
    """How much the model reads at once."""
    params: dict[str, Any] = {}
    """Further fields of the request, such as `temperature`."""


class Llm(Section, frozen=True):
    """The assistant's models."""

    default_model: str | None = None
    """The model of conversations that name none; by default one found here, else demo."""
    providers: dict[str, Provider] = {}
    """By name."""
    models: dict[str, Model] = {}
    """By the name people see."""
    timeout_seconds: Seconds = 120
    """The longest an answer may take."""
    idle_timeout_seconds: Seconds = 60
    """The longest silence within an answer."""
    max_concurrent_requests: Positive = 8
    """Answers in progress at once, per process; further ones wait."""


class Cli(Section, frozen=True):
    """The terminal chat and the subcommands."""

    server: str = "http://127.0.0.1:8080"
    """The server to talk to."""
    session_store: str | None = None
    """The file that keeps sessions; by default `session.cookies` in the user's config folder."""


class Settings(Section, frozen=True):
    """All settings."""

    logging: Logging = field(default_factory=Logging)
    server: Server = field(default_factory=Server)
    security: Security = field(default_factory=Security)
    auth: Auth = field(default_factory=Auth)
    db: Db = field(default_factory=Db)
    sse: Sse = field(default_factory=Sse)
    features: Features = field(default_factory=Features)
    web: Web = field(default_factory=Web)
    llm: Llm = field(default_factory=Llm)
    cli: Cli = field(default_factory=Cli)


PROFILES: dict[str, dict[tuple[str, ...], Any]] = {
    "dev": {},
    "test": {("logging", "level"): "info"},
    "prod": {
        ("logging", "level"): "info",
        ("server", "host"): "0.0.0.0",  # noqa: S104 - a server of a team is meant to be reached
        ("security", "hsts", "enabled"): True,
        ("security", "cookie", "secure"): True,
    },
}
"""What each profile changes in the defaults above."""

SECRETS = frozenset({"url", "owner_url", "api_key", "headers"})
"""Names of settings that are never shown."""
