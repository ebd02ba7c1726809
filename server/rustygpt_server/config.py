"""The server's settings: where their file is looked for, and which values contradict each other.

The meaning of each setting is in `rustygpt_shared.settings`.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import platformdirs

from rustygpt_server.forbidden_addresses import is_forbidden_host
from rustygpt_shared.settings import SECRETS, Cors, Db, Llm, OAuth, Settings, WellKnown
from rustygpt_shared.settings.load import Key, LoadedSettings, SettingsError, load

_LIBPQ_ONLY: Final = frozenset(
    {
        *("channel_binding", "client_encoding", "connect_timeout", "fallback_application_name"),
        *("gssdelegation", "gssencmode", "hostaddr", "keepalives", "keepalives_count"),
        *("keepalives_idle", "keepalives_interval", "load_balance_hosts", "replication"),
        *("require_auth", "requirepeer", "requiressl", "sslcertmode", "sslcompression", "sslsni"),
        *("ssl", "tcp_user_timeout"),
    }
)
"""Parameters of PostgreSQL's own client library, which asyncpg would send to the server."""
_CHOICES: Final = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        *("any", "primary", "standby", "prefer-standby", "read-write", "read-only"),
    ),
    "sslnegotiation": ("postgres", "direct"),
}
_HOST: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{1,5})?")
_CONTACT: Final = re.compile(r"(https://|mailto:|tel:)[\x21-\x7e]+")
"""An address for security.txt: a URI, and `https` if it is one of the web (RFC 9116, 2.5.3)."""
_WELL_KNOWN_PATH: Final = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*")
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(; ?[ -~]+)?")
_FILES: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})


def load_config(
    environ: Mapping[str, str],
    *,
    flags: Mapping[Key, Any] | None = None,
    config: Path | None = None,
    working_directory: Path | None = None,
) -> LoadedSettings:
    """Return the server's settings; raise SettingsError with every error found."""
    folders = (working_directory or Path.cwd(), config_folder(environ))
    try:
        loaded = load(environ, flags=flags, config=config, folders=folders)
    except SettingsError as error:
        if error.usable is None:
            raise
        # Conflicts between values may only come from those that are missing now.
        unusable = _database_conflicts(error.usable.db, environ)
        raise SettingsError([*error.errors, *unusable]) from None
    conflicts = _conflicts(loaded.settings, environ)
    if conflicts:
        raise SettingsError(conflicts)
    return loaded


def config_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the user's configuration."""
    folder = environ.get("RUSTYGPT_CONFIG_DIR")
    return Path(folder) if folder else platformdirs.user_config_path("rustygpt")


def data_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Return the folder of the embedded PostgreSQL."""
    if settings.db.data_dir:
        return Path(settings.db.data_dir).expanduser().absolute()
    if environ.get("RUSTYGPT_DATA_DIR"):
        return Path(environ["RUSTYGPT_DATA_DIR"]).absolute()
    if os.geteuid() == 0:
        # A home folder of root is closed to the unprivileged user that PostgreSQL runs as.
        return Path("/var/lib/rustygpt")
    return platformdirs.user_data_path("rustygpt")


def exposed_secrets_warning(loaded: LoadedSettings) -> str | None:
    """Return a sentence if the settings file has secrets and not only its owner may read it."""
    file = loaded.file
    if file is None or not file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return None
    from_file = {key for key, source in loaded.sources.items() if source == f"file {file}"}
    names = sorted(".".join(key) for key in from_file if SECRETS.intersection(key))
    if not names:
        return None
    return (
        f"Other users of this machine may read {file}, which has secrets ({', '.join(names)}); "
        f"run `chmod 600 {file}`, and replace them if somebody may have read them."
    )


def _conflicts(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    return [
        *_database_conflicts(settings.db, environ),
        *_server_conflicts(settings),
        *_backplane_conflicts(settings.sse.backplane.url),
        *_cors_conflicts(settings.server.cors),
        *_well_known_conflicts(settings.well_known),
        *_model_conflicts(settings.llm),
        *_oauth_conflicts(settings.oauth, settings.server.public_base_url),
    ]


def _database_conflicts(db: Db, environ: Mapping[str, str]) -> Iterator[str]:
    for name, url in (("db.url", db.url), ("db.owner_url", db.owner_url)):
        problem = database_url_problem(url, environ) if url else None
        if problem:
            yield f"{name} {problem}"
    if db.owner_url and not db.url:
        yield "db.owner_url needs db.url, the address that the pool of connections uses"


def database_url_problem(url: str, environ: Mapping[str, str]) -> str | None:
    """Return why the driver (asyncpg) cannot use the address of a database, or None.

    The text continues a sentence that begins with the setting's name, and has no password in it.
    """
    try:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
    except ValueError:
        return "is not a URL; write it like postgresql://user:password@host:5432/database"
    if parts.scheme not in ("postgresql", "postgres"):
        return "has to start with postgresql://"
    if parts.netloc.count("@") > 1 or ("@" in url and "@" not in parts.netloc + parts.query):
        return "has a user name or password with @, /, ? or #; write these as %40, %2F, %3F, %23"
    hosts = parts.netloc.rpartition("@")[2] or query.get("host", "")
    ports = [port for host in hosts.split(",") for port in _ports_in(host)]
    ports += query["port"].split(",") if "port" in query else []
    for port in ports:
        if not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536):
            return f"has the port {port!r}, which is not a number from 1 to 65535"
    named = {"dbname", "database", "service"} & query.keys() or {"PGDATABASE", "PGSERVICE"} & {
        *environ
    }
    if not parts.path.strip("/") and not named:
        return "names no database; write it like postgresql://user:password@host:5432/database"
    return _query_problem(query)


def _ports_in(host: str) -> list[str]:
    """Return the port of `host:port` or `[address]:port`; nothing for a path or without a port."""
    if host.startswith("/") or "%2f" in host.lower():
        return []
    after = host.rpartition("]")[2] if "]" in host else host
    return [after.partition(":")[2]] if ":" in after else []


def _query_problem(query: Mapping[str, str]) -> str | None:
    """Return why the driver cannot use the query of a database's address, or None."""
    for name in sorted(_LIBPQ_ONLY & query.keys()):
        return f"has the parameter {name}, which this server's driver does not support; remove it"
    for name, values in _CHOICES.items():
        if name in query and query[name] not in values:
            return f"has {name}={query[name]}; it can be {', '.join(values)}"
    for name in sorted(_FILES & query.keys()):
        if not Path(query[name]).expanduser().is_file():
            return f"has {name}={query[name]}, which is not a file"
    return None


def _server_conflicts(settings: Settings) -> Iterator[str]:
    public = settings.server.public_base_url
    if public and not is_web_url(public):
        yield "server.public_base_url has to be an http:// or https:// address"
    if public and public.startswith("https://") and not settings.security.cookie.secure:
        yield "security.cookie.secure has to be true when server.public_base_url is https"
    for proxy in settings.server.trusted_proxies:
        if not _is_network(proxy):
            yield f"server.trusted_proxies: {proxy!r} is neither an address nor a network"

    for host in settings.server.allowed_hosts:
        if not _HOST.fullmatch(host):
            yield (
                f"server.allowed_hosts: {host!r} is not a host such as example.org, "
                "example.org:8443 or [::1]"
            )


def _backplane_conflicts(redis: str | None) -> Iterator[str]:
    if redis and not redis.startswith(("redis://", "rediss://", "unix://")):
        yield "sse.backplane.url has to start with redis://, rediss:// or unix://"
    elif redis and not _has_valid_port(redis):
        yield "sse.backplane.url is not a URL; write it like redis://host:6379/0"


def _cors_conflicts(cors: Cors) -> Iterator[str]:
    for origin in cors.allowed_origins:
        if origin != "*" and not _is_origin(origin):
            yield (
                f"server.cors.allowed_origins: {origin!r} is not an origin such as "
                "https://example.org, without a path"
            )
    if "*" in cors.allowed_origins and cors.allow_credentials:
        yield "server.cors.allow_credentials cannot be true when allowed_origins has *"


def _well_known_conflicts(well_known: WellKnown) -> Iterator[str]:
    contact = well_known.contact
    if contact is not None and not _CONTACT.fullmatch(contact):
        yield (
            "well_known.contact has to be an address such as mailto:security@example.org or "
            "https://example.org/security"
        )
    paths = [entry.path for entry in well_known.entries]
    for path in sorted({path for path in paths if paths.count(path) > 1}):
        yield f"well_known.entries has the path {path!r} more than once"
    for entry in well_known.entries:
        if not _WELL_KNOWN_PATH.fullmatch(entry.path) or ".." in entry.path.split("/"):
            yield (
                f"well_known.entries: {entry.path!r} is not a path such as assetlinks.json, "
                "relative to /.well-known/"
            )
        if not _MEDIA_TYPE.fullmatch(entry.content_type):
            yield (
                f"well_known.entries: {entry.content_type!r} is not a media type such as "
                "application/json"
            )


def _model_conflicts(llm: Llm) -> Iterator[str]:
    for name, model in llm.models.items():
        if model.provider not in llm.providers:
            yield f"llm.models.{name}.provider names {model.provider!r}, which does not exist"
    for name, provider in llm.providers.items():
        if provider.kind == "openai" and not provider.base_url:
            yield f"llm.providers.{name}.base_url is missing"
        if provider.kind == "llama" and not provider.path:
            yield f"llm.providers.{name}.path is missing; it names a GGUF file"
        problem = model_server_problem(provider.base_url) if provider.base_url else None
        if problem:
            yield f"llm.providers.{name}.base_url {problem}"


def model_server_problem(url: str) -> str | None:
    """Return why an address cannot be that of a model server, or None.

    The text continues a sentence that begins with the setting's name.
    """
    import httpx

    if not is_web_url(url):
        return "has to be an http:// or https:// address"
    try:
        host = httpx.URL(url).raw_host.decode("ascii")
    except httpx.InvalidURL:
        return "has a host that does not exist"
    return "is the metadata service of a cloud" if is_forbidden_host(host) else None


def _oauth_conflicts(oauth: OAuth, public: str | None) -> Iterator[str]:
    for name in ("github", "apple", "oidc"):
        section = getattr(oauth, name)
        if section.client_id and not public:
            yield f"oauth.{name} needs server.public_base_url, where people return after a sign-in"
    if oauth.github.client_id:
        yield from _missing("github", client_secret=oauth.github.client_secret)
        yield from _insecure("github.base_url", oauth.github.base_url)
        yield from _insecure("github.api_url", oauth.github.api_url)
    if oauth.apple.client_id:
        apple = oauth.apple
        yield from _missing(
            "apple", team_id=apple.team_id, key_id=apple.key_id, private_key=apple.private_key
        )
        yield from _insecure("apple.base_url", apple.base_url)
        if public and not public.startswith("https://"):
            yield "oauth.apple needs a server.public_base_url with https"
    if oauth.oidc.client_id:
        yield from _missing("oidc", issuer=oauth.oidc.issuer)
        yield from _insecure("oidc.issuer", oauth.oidc.issuer)
        if "openid" not in oauth.oidc.scopes:
            yield "oauth.oidc.scopes has to contain openid"


def _missing(provider: str, **values: str | None) -> Iterator[str]:
    for name, value in values.items():
        if not value:
            yield f"oauth.{provider}.{name} is missing"


def _insecure(name: str, url: str | None) -> Iterator[str]:
    """Yield an error unless an address is https; http is allowed on this machine only."""
    if not url:
        return
    host = urlsplit(url).hostname if is_web_url(url) else None
    if not host or (not url.startswith("https://") and not is_loopback_host(host)):
        yield f"oauth.{name} has to be an https:// address"


def is_loopback_host(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_web_url(text: str) -> bool:
    """Return whether a text is an http or https URL without a user name."""
    if not _has_valid_port(text):
        return False
    parts = urlsplit(text)
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and text.isprintable()
        and " " not in text
    )


def _is_origin(text: str) -> bool:
    """Return whether a text is a web origin as browsers write it (RFC 6454, 6.2)."""
    parts = urlsplit(text) if is_web_url(text) else None
    return parts is not None and text == text.lower() and text == f"{parts.scheme}://{parts.netloc}"


def _has_valid_port(url: str) -> bool:
    """Return whether a text is a URL at all, whose port, if any, is one."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
