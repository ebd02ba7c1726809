"""The terminal's settings: from the same file and environment as the server's, read at start."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rustygpt_shared.settings.load import Key, LoadedSettings, SettingsError, load
from rustygpt_tui import locations
from rustygpt_tui.errors import UsageError


def load_settings(
    config: Path | None = None, flags: Mapping[Key, Any] | None = None
) -> LoadedSettings:
    """Return the settings from file, environment and flags; raise UsageError with every error."""
    folders = (Path.cwd(), locations.config_folder())
    try:
        return load(os.environ, flags=flags, config=config, folders=folders)
    except SettingsError as error:
        errors = "; ".join(error.errors)
        raise UsageError(f"The settings cannot be used: {errors}.") from None


def session_file(loaded: LoadedSettings) -> Path:
    """Return the path of the session file."""
    configured = loaded.settings.cli.session_store
    return (
        Path(configured).expanduser()
        if configured
        else locations.config_folder() / "session.cookies"
    )


def drafts_file() -> Path:
    """Return the path of the database with the drafts."""
    return locations.state_folder() / "drafts.sqlite"
