"""The terminal's settings: the same file and environment as the server's, read once at start."""

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
    """Settings from file, environment and flags; raises UsageError with every mistake."""
    folders = (Path.cwd(), locations.config_folder())
    try:
        return load(os.environ, flags=flags, config=config, folders=folders)
    except SettingsError as error:
        mistakes = "; ".join(error.errors)
        raise UsageError(f"The settings cannot be used: {mistakes}.") from None


def session_file(loaded: LoadedSettings) -> Path:
    """The file that keeps sessions."""
    named = loaded.settings.cli.session_store
    return Path(named).expanduser() if named else locations.config_folder() / "session.cookies"


def drafts_file() -> Path:
    """The database that keeps drafts."""
    return locations.state_folder() / "drafts.sqlite"
