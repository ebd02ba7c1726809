"""The options that every command has; they may stand before a command's name as well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

COMMON = ("server", "account", "config", "quiet", "no_input")


def common(function: F) -> F:
    """Add them to a command's function, which gets them by the names in `COMMON`."""
    for option in (
        click.option("--no-input", is_flag=True, help="Never ask; fail when something is missing."),
        click.option("--quiet", "-q", is_flag=True, help="No talk on standard error."),
        click.option("--config", type=click.Path(path_type=Path), help="The settings file."),
        click.option("--account", metavar="NAME", help="The account, when several are signed in."),
        click.option("--server", metavar="URL", help="The server's address."),
    ):
        function = option(function)
    return function
