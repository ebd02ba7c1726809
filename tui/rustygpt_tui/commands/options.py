"""The options that every command has; they may also be given before the command's name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

COMMON = ("server", "account", "config", "quiet", "no_input")


def common(function: F) -> F:
    """Add the common options to a command's function; their parameters are named in `COMMON`."""
    for option in (
        click.option(
            "--no-input", is_flag=True, help="Never prompt; fail when a value is missing."
        ),
        click.option("--quiet", "-q", is_flag=True, help="Write no notes to standard error."),
        click.option("--config", type=click.Path(path_type=Path), help="The settings file."),
        click.option(
            "--account", metavar="NAME", help="The account to use, when several are signed in."
        ),
        click.option("--server", metavar="URL", help="The server's address."),
    ):
        function = option(function)
    return function
