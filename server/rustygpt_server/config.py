"""The server's settings: where they are looked for, and which go together.

What each setting means stands in `rustygpt_shared.settings`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import platformdirs

from rustygpt_shared.settings import Settings
from rustygpt_shared.settings.load import Key, Loaded, SettingsError, load


def load_config(
    environ: Mapping[str, str],
    *,
    flags: Mapping[Key, Any] | None = None,
    config: Path | None = None,
    working_directory: Path | None = None,
) -> Loaded:
    """The server's settings; raises SettingsError with every mistake found."""
    folders = (working_directory or Path.cwd(), config_folder(environ))
    loaded = load(environ, flags=flags, config=config, folders=folders)
    mistakes = _conflicts(loaded.settings)
    if mistakes:
        raise SettingsError(mistakes)
    return loaded


def config_folder(environ: Mapping[str, str]) -> Path:
    """The folder of the user's configuration."""
    named = environ.get("RUSTYGPT_CONFIG_DIR")
    return Path(named) if named else platformdirs.user_config_path("rustygpt")


def data_folder(settings: Settings, environ: Mapping[str, str]) -> Path:
    """Where the embedded PostgreSQL lives when settings name no other place."""
    if settings.db.data_dir:
        return Path(settings.db.data_dir).expanduser().absolute()
    if environ.get("RUSTYGPT_DATA_DIR"):
        return Path(environ["RUSTYGPT_DATA_DIR"]).absolute()
    if os.geteuid() == 0:
        # A home folder of root is closed to the unprivileged user that PostgreSQL runs as.
        return Path("/var/lib/rustygpt")
    return platformdirs.user_data_path("rustygpt")


def _conflicts(settings: Settings) -> list[str]:
    found = []
    public = settings.server.public_base_url
    if public and not public.startswith(("http://", "https://")):
        found.append("server.public_base_url has to start with http:// or https://")
    if public and public.startswith("https://") and not settings.security.cookie.secure:
        found.append("security.cookie.secure has to be true when server.public_base_url is https")
    for name, model in settings.llm.models.items():
        if model.provider not in settings.llm.providers:
            found.append(f"llm.models.{name}.provider names {model.provider!r}, which is not there")
    for name, provider in settings.llm.providers.items():
        if provider.kind == "openai" and not provider.base_url:
            found.append(f"llm.providers.{name}.base_url is missing")
    return found
