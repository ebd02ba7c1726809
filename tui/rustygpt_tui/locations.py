"""The folders of the terminal's files: the user's, or those set in the environment.

Nothing here creates or reads a file.
"""

import os
from pathlib import Path

NAME = "rustygpt"


def config_folder() -> Path:
    """Return the folder of settings and sessions; `RUSTYGPT_CONFIG_DIR` overrides it."""
    return _folder("config")


def state_folder() -> Path:
    """Return the folder of drafts and logs; `RUSTYGPT_STATE_DIR` overrides it."""
    return _folder("state")


def cache_folder() -> Path:
    """Return the folder of data that can be fetched again; `RUSTYGPT_CACHE_DIR` overrides it."""
    return _folder("cache")


def data_folder() -> Path:
    """Return the folder of data that must be kept; `RUSTYGPT_DATA_DIR` overrides it."""
    return _folder("data")


def _folder(kind: str) -> Path:
    override = os.environ.get(f"RUSTYGPT_{kind.upper()}_DIR")
    if override:
        return Path(override).expanduser()
    from platformdirs import PlatformDirs

    folders = PlatformDirs(NAME, appauthor=False)
    path: Path = getattr(folders, f"user_{kind}_path")
    return path
