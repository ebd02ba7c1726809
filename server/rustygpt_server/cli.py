"""The server's own commands: `serve` and `config`.

The terminal's program names them as text and imports them when they are called.
"""

import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from rustygpt_shared import settings as shared
from rustygpt_shared.settings.load import Key, LoadedSettings, SettingsError, walk

USAGE = 2


@click.command()
@click.option("--host", help="Listen on this address.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="Listen on this port; 0: any free one."
)
@click.option("--workers", type=click.IntRange(1, 256), help="Serve with N processes.", metavar="N")
@click.option("--data-dir", type=click.Path(), help="Keep the embedded PostgreSQL here.")
@click.option("--config", type=click.Path(path_type=Path), help="Read settings from this file.")
@click.option("--supervised", is_flag=True, hidden=True)
def serve(
    host: str | None,
    port: int | None,
    workers: int | None,
    data_dir: str | None,
    config: Path | None,
    supervised: bool,
) -> None:
    """Run the server, on your own PostgreSQL or on the embedded one."""
    from rustygpt_server.app.command import run_server

    flags: dict[Key, Any] = {
        key: value
        for key, value in {
            ("server", "host"): host,
            ("server", "port"): port,
            ("server", "workers"): workers,
            ("db", "data_dir"): data_dir,
        }.items()
        if value is not None
    }
    sys.exit(run_server(_load(config, flags), dict(os.environ), supervised=supervised))


@click.group()
def config() -> None:
    """Show or check the server's configuration."""


@config.command("show")
@click.option("--config", "file", type=click.Path(path_type=Path), help="Read this file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(file: Path | None, as_json: bool) -> None:
    """Print every setting and the source of its value; secrets are masked."""
    rows = _rows(_load(file, {}))
    if as_json:
        values = {name: {"value": value, "source": source} for name, value, source in rows}
        click.echo(msgspec.json.format(msgspec.json.encode(values)).decode())
        return
    width = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        click.echo(f"{name:<{width}}  {msgspec.json.encode(value).decode()}  ({source})")


@config.command("check")
@click.option("--config", "file", type=click.Path(path_type=Path), help="Read this file.")
def check(file: Path | None) -> None:
    """Check whether the server could start with this configuration."""
    loaded = _load(file, {})
    click.echo(f"The configuration is fine ({loaded.file or 'no file'}, profile {loaded.profile}).")


def _rows(loaded: LoadedSettings) -> list[tuple[str, Any, str]]:
    return [
        (".".join(key), _masked(key, value), loaded.sources.get(key, "default"))
        for key, value in walk(loaded.settings)
    ]


def _masked(key: Key, value: Any) -> Any:
    return "***" if key[-1] in shared.SECRETS and value else value


def _load(file: Path | None, flags: dict[Key, Any]) -> LoadedSettings:
    from rustygpt_server.config import load_config

    try:
        return load_config(os.environ, flags=flags, config=file)
    except SettingsError as error:
        click.echo("The configuration cannot be used:", err=True)
        for message in error.errors:
            click.echo(f"  {message}", err=True)
        sys.exit(USAGE)
