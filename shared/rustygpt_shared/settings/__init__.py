"""All settings: one struct per section, with defaults and the meaning of each value.

The defaults here are those of the `dev` profile; `PROFILES` lists what other profiles change.
`load` applies files, the environment and flags over the defaults.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

Port = Annotated[int, Meta(ge=0, le=65_535)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[int, Meta(ge=1, le=31_536_000)]
RegistrationMode = Literal["closed", "invite", "open"]


class Section(Struct, frozen=True, kw_only=True):
    """A group of settings."""


class Logging(Section, frozen=True):
    """What the server writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "debug"
    """The lowest severity that is written."""
    format: Literal["text", "json"] = "text"
    """`json` writes one object per line."""


class Cors(Section, frozen=True):
    """Cross-origin resource sharing (CORS): pages of other sites that may use this server."""

    allowed_origins: list[str] = []
    """Their origins, such as `https://example.org`; `*` allows all, without credentials."""
    allow_credentials: bool = False
    """Let these pages send the user's cookies."""
    max_age_seconds: Annotated[int, Meta(ge=0, le=86_400)] = 600
    """How long browsers may keep the response to a preflight request, in seconds."""


class Server(Section, frozen=True):
    """Where the server listens, and what it accepts."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Port = 8080
    """The port to listen on; 0 lets the system choose."""
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    """The number of worker processes; one per core is enough."""
    public_base_url: str | None = None
    """The address that clients use, when it differs from the address listened on."""
    request_id_header: str = "x-request-id"
    """The header with the request id, in requests and responses."""
    trusted_proxies: list[str] = []
    """Addresses or networks of proxies whose `X-Forwarded-For` is trusted."""
    allowed_hosts: list[str] = []
    """The host names that requests may be sent to, with or without port; empty allows all."""
    metrics_token: str | None = None
    """`/metrics` requires this Bearer token; without it everyone may read them. A secret."""
    cors: Cors = field(default_factory=Cors)
    body_limit_bytes: Positive = 1_048_576
    """The largest request body that is accepted, in bytes."""
    import_limit_bytes: Positive = 268_435_456
    """The largest file that can be imported, in bytes."""
    anonymous_body_limit_bytes: Positive = 65_536
    """The largest request body that is accepted from a caller who is not signed in, in bytes."""
    body_memory_bytes: Positive = 67_108_864
    """The largest sum of request bodies that are arriving at a process, in bytes."""
    header_timeout_seconds: Seconds = 10
    """How long the head of a request may take to arrive; also the first one of a connection."""
    body_timeout_seconds: Seconds = 10
    """How long a body may take, in addition to its time at `body_min_bytes_per_second`."""
    body_min_bytes_per_second: Positive = 32_768
    """The slowest rate at which a large body has to arrive."""
    max_connections: Positive = 25_000
    """The number of open connections of each process."""
    max_connections_per_address: Positive = 1_024
    """The same from one IPv4 address or IPv6 network of 64 bits; trusted proxies are exempt."""


class Hsts(Section, frozen=True):
    """Strict-Transport-Security."""

    enabled: bool = False
    """Send the header."""
    max_age_seconds: Positive = 63_072_000
    """How long browsers remember the header, in seconds."""
    include_subdomains: bool = False
    """Apply the header to subdomains too."""
    preload: bool = False
    """Allow browsers to put the domain into their built-in lists."""


class Cookie(Section, frozen=True):
    """Attributes of both cookies."""

    domain: str | None = None
    """The domain of the cookies; without it they are sent to this host only."""
    secure: bool = False
    """Send the cookies over HTTPS only."""
    same_site: Literal["lax", "strict"] = "lax"
    """The SameSite attribute of the session cookie."""


class Csrf(Section, frozen=True):
    """Protection against cross-site request forgery (CSRF)."""

    enabled: bool = True
    """Require the token on every cookie request that changes something."""
    cookie_name: str = "CSRF-TOKEN"
    """The cookie from which scripts read the token."""
    header_name: str = "X-CSRF-TOKEN"
    """The header in which requests send the token."""


class Security(Section, frozen=True):
    """Headers, cookies and CSRF."""

    hsts: Hsts = field(default_factory=Hsts)
    cookie: Cookie = field(default_factory=Cookie)
    csrf: Csrf = field(default_factory=Csrf)


class SessionSettings(Section, frozen=True):
    """The lifetime of sessions."""

    idle_seconds: Seconds = 28_800
    """A session that is not used for this many seconds ends."""
    absolute_seconds: Seconds = 604_800
    """A session ends after this many seconds, used or not."""
    session_cookie_name: str = "SESSION_ID"
    """The cookie that contains the session's token."""
    max_sessions_per_user: Positive = 5
    """A login beyond this number ends the oldest session."""


class Auth(Section, frozen=True):
    """Sessions and registration."""

    registration: RegistrationMode = "invite"
    """Who may create an account: nobody but administrators (`closed`), who has an invite, or
    everybody (`open`)."""
    session: SessionSettings = field(default_factory=SessionSettings)


class RateLimits(Section, frozen=True):
    """Limits of how many requests a user or an address may make."""

    enabled: bool = True
    """Limit requests; false switches all limits off."""
    auth_login_per_ip_per_min: Annotated[int, Meta(ge=1, le=1_000_000)] = 10
    """Logins per minute, at once and in the long run, from one address and to one account: the
    profile `auth.login`, unless an administrator has changed it."""
    default_rps: Annotated[float, Meta(ge=1e-5, le=1e6)] = 50
    """Requests per second of one caller: the profile `default`, unless it was changed."""
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 100
    """Requests of one caller that the profile `default` accepts at once."""
    admin_api_enabled: bool = True
    """Serve the routes that change profiles and assignments."""


class Db(Section, frozen=True):
    """PostgreSQL: your own, or the embedded one when `url` is not set."""

    url: str | None = None
    """`postgresql://…`; without it the server runs an embedded PostgreSQL. A secret."""
    owner_url: str | None = None
    """The same database with a role that may create roles and tables; default: `url`. A secret."""
    data_dir: str | None = None
    """The folder of the embedded PostgreSQL's data; default: the user's data folder."""
    statement_timeout_ms: Positive = 5_000
    """How long a statement may run, in milliseconds."""
    max_connections: Annotated[int, Meta(ge=2, le=1_000)] = 10
    """The size of the connection pool of each process."""


class Persistence(Section, frozen=True):
    """The log of events from which streams resume."""

    enabled: bool = True
    """Keep the log; without it streams resume only from events that their process has in memory."""
    retention_hours: Positive = 48
    """Events older than this many hours are pruned."""
    max_events_per_conversation: Positive = 5_000
    """A conversation's oldest events beyond this number are pruned."""
    prune_batch_size: Positive = 500
    """The number of events that one statement prunes."""


class BackplaneSettings(Section, frozen=True):
    """The backplane, which carries events between processes on one database."""

    url: str | None = None
    """`redis://…`; without it PostgreSQL's NOTIFY is used. A secret."""


class Backpressure(Section, frozen=True):
    """What happens to subscribers that are too slow."""

    drop_strategy: Literal["drop_tokens", "drop_tokens_and_system"] = "drop_tokens_and_system"
    """What a slow subscriber loses before it has to reload: parts of answers (`drop_tokens`), or
    also transient events (typing, presence, unread counts)."""
    warn_queue_ratio: Annotated[float, Meta(gt=0, le=1)] = 0.75
    """A subscriber whose queue is filled to this ratio is counted and logged as slow."""


class Sse(Section, frozen=True):
    """Event streams (server-sent events)."""

    heartbeat_seconds: Annotated[int, Meta(ge=1, le=20)] = 20
    """An idle stream gets a comment after at most this many seconds."""
    channel_capacity: Annotated[int, Meta(ge=8)] = 128
    """The number of events that may be queued for one subscriber."""
    max_streams: Positive = 20_000
    """The maximum of open streams per process."""
    max_streams_per_user: Positive = 64
    """The maximum of open streams per user and process."""
    max_backfill_events: Positive = 512
    """A subscriber that misses more events than this has to reload."""
    persistence: Persistence = field(default_factory=Persistence)
    backpressure: Backpressure = field(default_factory=Backpressure)
    backplane: BackplaneSettings = field(default_factory=BackplaneSettings)


class Features(Section, frozen=True):
    """Features that can be switched off; read at start."""

    auth_v1: bool = True
    """Sessions, and all routes that require one."""
    sse_v1: bool = True
    """Event streams."""
    well_known: bool = True
    """The routes below `/.well-known/`: configured files, `security.txt`, and `change-password`,
    which leads password managers to the page's form."""


class WellKnownEntry(Section, frozen=True, forbid_unknown_fields=True):
    """A file below `/.well-known/` (RFC 8615)."""

    path: str
    """Its path below `/.well-known/`, such as `assetlinks.json`."""
    body: str
    """Its text."""
    content_type: str = "text/plain; charset=utf-8"
    """Its media type."""


class WellKnown(Section, frozen=True):
    """The files below `/.well-known/`."""

    contact: str | None = None
    """`security.txt` names this address for reports of vulnerabilities: `mailto:…` or `https://…`."""
    entries: list[WellKnownEntry] = []
    """Further files; one with the path `security.txt` or `change-password` replaces what the server
    has there by itself."""


class Search(Section, frozen=True):
    """The full-text search of messages."""

    language: str = "english"
    """The language whose endings and stop words the search knows: a text search configuration of
    PostgreSQL, such as `german`, or `simple` for none. All words are also found as they are
    written. Another language indexes all messages again, while the server runs."""


class Web(Section, frozen=True):
    """The web page."""

    static_dir: str | None = None
    """A folder that is served instead of the packaged page."""


class Provider(Section, frozen=True):
    """A server of language models, or a model file."""

    kind: Literal["openai", "llama", "demo"]
    """`openai` uses any OpenAI-compatible server; `llama` loads a model file into the server's
    process (install `rustygpt[llama]`); `demo` is built in and is not a model."""
    base_url: str | None = None
    """The server's address, such as `http://127.0.0.1:11434/v1`."""
    path: str | None = None
    """For `llama`: a GGUF file."""
    api_key: str | None = None
    """Sent as a Bearer token, to `base_url` only. A secret."""
    headers: dict[str, str] = {}
    """Further headers of requests to the provider. A secret."""
    max_concurrent_requests: Positive | None = None
    """The maximum of its answers in progress per process; further ones wait in a queue. Default:
    `llm.max_concurrent_requests`, and 1 for `llama`."""


class Model(Section, frozen=True):
    """A model that users may choose."""

    provider: str
    """The provider's name under `llm.providers`."""
    name: str | None = None
    """The provider's name of the model; default: the name under `llm.models`."""
    context_tokens: Positive | None = None
    """The size of the model's context window, in tokens; default: what its server says, else
    8,192."""
    params: dict[str, Any] = {}
    """Further fields of requests to the model, such as `temperature`."""


class Llm(Section, frozen=True):
    """The assistant's models."""

    default_model: str | None = None
    """The model of conversations that name none; default: the first of `llm.models`, else the first
    that a provider or a server on this machine lists, else demo."""
    providers: dict[str, Provider] = {}
    """The providers, by name."""
    models: dict[str, Model] = {}
    """The models, by the name that users see. A provider that none of them names offers all models
    that it lists."""
    first_token_timeout_seconds: Seconds = 300
    """How long a model may take to the first text of an answer, in seconds: it may have to be
    loaded."""
    idle_timeout_seconds: Seconds = 60
    """How long a model may send no text within an answer, in seconds."""
    timeout_seconds: Seconds = 120
    """How long an answer may take from its first text to its end, in seconds."""
    max_concurrent_requests: Positive = 8
    """The maximum of answers in progress per provider and process; further ones wait in a queue."""
    daily_token_budget: Positive | None = None
    """How many tokens a user may use per day (UTC), in prompts and answers; default: no limit."""


class GitHubOAuth(Section, frozen=True):
    """Sign-in by GitHub: an OAuth app, whose callback is `/api/oauth/github/callback`."""

    client_id: str | None = None
    """The id of the OAuth app; without it nobody signs in by GitHub."""
    client_secret: str | None = None
    """Its secret. A secret."""
    base_url: str = "https://github.com"
    """Where people sign in; another one for GitHub Enterprise Server."""
    api_url: str = "https://api.github.com"
    """The address of its REST API."""


class AppleOAuth(Section, frozen=True):
    """Sign in with Apple: a services id, whose return URL is `/api/oauth/apple/callback`."""

    client_id: str | None = None
    """The services id; without it nobody signs in by Apple."""
    team_id: str | None = None
    """The id of the developer team."""
    key_id: str | None = None
    """The id of the private key."""
    private_key: str | None = None
    """The private key that Apple shows once, in PEM. A secret."""
    base_url: str = "https://appleid.apple.com"
    """Where people sign in."""


class OidcOAuth(Section, frozen=True):
    """Sign-in by any OpenID Connect provider; the callback is `/api/oauth/oidc/callback`."""

    client_id: str | None = None
    """The id of the client at the provider; without it nobody signs in by it."""
    client_secret: str | None = None
    """Its secret; without it the client is a public one. A secret."""
    issuer: str | None = None
    """The provider's issuer, exactly as its discovery document has it; https, but for loopback."""
    label: str = "OpenID Connect"
    """What the button to sign in calls the provider."""
    scopes: list[str] = field(default_factory=lambda: ["openid", "profile", "email"])
    """What the sign-in requests; `openid` is needed."""


class OAuth(Section, frozen=True):
    """Sign-in by other providers; each needs `server.public_base_url`."""

    github: GitHubOAuth = field(default_factory=GitHubOAuth)
    apple: AppleOAuth = field(default_factory=AppleOAuth)
    oidc: OidcOAuth = field(default_factory=OidcOAuth)


class Cli(Section, frozen=True):
    """The terminal chat and the subcommands."""

    server: str = "http://127.0.0.1:8080"
    """The address of the server."""
    session_store: str | None = None
    """The file with the sessions; default: `session.cookies` in the user's config folder."""


class Settings(Section, frozen=True):
    """All settings."""

    logging: Logging = field(default_factory=Logging)
    server: Server = field(default_factory=Server)
    security: Security = field(default_factory=Security)
    auth: Auth = field(default_factory=Auth)
    rate_limits: RateLimits = field(default_factory=RateLimits)
    db: Db = field(default_factory=Db)
    sse: Sse = field(default_factory=Sse)
    features: Features = field(default_factory=Features)
    well_known: WellKnown = field(default_factory=WellKnown)
    search: Search = field(default_factory=Search)
    web: Web = field(default_factory=Web)
    oauth: OAuth = field(default_factory=OAuth)
    llm: Llm = field(default_factory=Llm)
    cli: Cli = field(default_factory=Cli)


PROFILES: dict[str, dict[tuple[str, ...], Any]] = {
    "dev": {},
    "test": {("logging", "level"): "info"},
    "prod": {
        ("logging", "level"): "info",
        ("server", "host"): "0.0.0.0",  # noqa: S104 - a production server is reached from other machines
        ("security", "hsts", "enabled"): True,
        ("security", "cookie", "secure"): True,
    },
}
"""What each profile changes in the defaults above, by the path of the setting."""

SECRETS = frozenset(
    {"url", "owner_url", "api_key", "headers", "metrics_token", "client_secret", "private_key"}
)
"""The names of settings whose values are never shown."""
