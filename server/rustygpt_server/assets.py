"""The folders of plain files: beside this module in a wheel, at the root in a checkout."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parent.parent


def sql_folder() -> Path:
    """Return the folder of SQL scripts; raise FileNotFoundError when it is missing."""
    return _folder("sql")


def web_folder() -> Path:
    """Return the folder of the web page; raise FileNotFoundError when it is missing."""
    return _folder("web")


def _folder(name: str) -> Path:
    for folder in (_HERE / f"_{name}", _CHECKOUT / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"This installation lacks its folder {name!r}; install rustygpt again.")
