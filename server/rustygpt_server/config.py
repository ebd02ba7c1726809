"""The server's settings: where their file is looked for, and which values contradict each other.

The meaning of each setting is in `rustygpt_shared.settings`.
"""

import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from rustygpt_shared.settings import Llm, Settings
from rustygpt_shared.settings.load import Key, LoadedSettings, SettingsError, load


def load_config(
    environ: Mapping[str, str],
    *,
    flags: Mapping[Key, Any] | None = None,
    config: Path | None = None,
    working_directory: Path | None = None,
) -> LoadedSettings:
    """Return the server's settings; raise SettingsError with every error found."""
    folders = (working_directory or Path.cwd(), config_folder(environ))
    loaded = load(environ, flags=flags, config=config, folders=folders)
    conflicts = _conflicts(loaded.settings)
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


def _conflicts(settings: Settings) -> list[str]:
    return [*_server_conflicts(settings), *_model_conflicts(settings.llm)]


def _server_conflicts(settings: Settings) -> Iterator[str]:
    public = settings.server.public_base_url
    if public and not is_web_url(public):
        yield "server.public_base_url has to be an http:// or https:// address"
    if public and public.startswith("https://") and not settings.security.cookie.secure:
        yield "security.cookie.secure has to be true when server.public_base_url is https"
    redis = settings.sse.backplane.url
    if redis and not redis.startswith(("redis://", "rediss://", "unix://")):
        yield "sse.backplane.url has to start with redis://, rediss:// or unix://"
    for proxy in settings.server.trusted_proxies:
        if not _is_network(proxy):
            yield f"server.trusted_proxies: {proxy!r} is neither an address nor a network"


def _model_conflicts(llm: Llm) -> Iterator[str]:
    for name, model in llm.models.items():
        if model.provider not in llm.providers:
            yield f"llm.models.{name}.provider names {model.provider!r}, which does not exist"
    for name, provider in llm.providers.items():
        if provider.kind == "openai" and not provider.base_url:
            yield f"llm.providers.{name}.base_url is missing"
        if provider.base_url and not is_web_url(provider.base_url):
            yield f"llm.providers.{name}.base_url has to be an http:// or https:// address"


def is_web_url(text: str) -> bool:
    """Return whether a text is an http or https URL without a user name."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and "@" not in parts.netloc
        and text.isprintable()
        and " " not in text
    )


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
