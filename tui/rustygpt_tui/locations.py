"""Where the terminal keeps its files: the user's folders, or those that the environment names.

Nothing here creates or reads a file.
"""

import os
from pathlib import Path

NAME = "rustygpt"


def config_folder() -> Path:
    """Settings and sessions; `RUSTYGPT_CONFIG_DIR` names another."""
    return _folder("config")


def state_folder() -> Path:
    """Drafts; `RUSTYGPT_STATE_DIR` names another."""
    return _folder("state")


def cache_folder() -> Path:
    """What can be fetched again; `RUSTYGPT_CACHE_DIR` names another."""
    return _folder("cache")


def data_folder() -> Path:
    """What must not be lost; `RUSTYGPT_DATA_DIR` names another."""
    return _folder("data")


def _folder(kind: str) -> Path:
    named = os.environ.get(f"RUSTYGPT_{kind.upper()}_DIR")
    if named:
        return Path(named).expanduser()
    from platformdirs import PlatformDirs

    folders = PlatformDirs(NAME, appauthor=False)
    path: Path = getattr(folders, f"user_{kind}_path")
    return path
