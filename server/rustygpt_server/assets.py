"""Where the plain files are: in the wheel beside this module, in a checkout at its root."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parent.parent


def sql_folder() -> Path:
    """The folder of SQL scripts; raises FileNotFoundError when the installation lacks it."""
    return _folder("sql")


def web_folder() -> Path:
    """The folder of the web page; raises FileNotFoundError when the installation lacks it."""
    return _folder("web")


def _folder(name: str) -> Path:
    for folder in (_HERE / f"_{name}", _CHECKOUT / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"This installation lacks its folder {name!r}; install rustygpt again.")
