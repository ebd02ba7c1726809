"""The server's own commands: `serve`, backups, `doctor`, `config` and `spec`.

The terminal's program names them as text and imports them when they are called.
"""

import errno
import os
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from rustygpt_shared import settings as shared
from rustygpt_shared.settings.load import FILE_NAMES, Key, LoadedSettings, SettingsError, walk

FAILED = 1
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
    loaded = _load(config, flags, supervised=supervised)
    sys.exit(run_server(loaded, dict(os.environ), supervised=supervised))


_DATA_DIR = click.option("--data-dir", type=click.Path(), help="The embedded PostgreSQL is here.")
_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Read settings from this file."
)
_QUIET = click.option("--quiet", is_flag=True, help="Print errors only.")


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@_DATA_DIR
@_CONFIG
@_QUIET
def backup(file: Path, data_dir: str | None, config: Path | None, quiet: bool) -> None:
    """Write the database to FILE as it is at one moment, while the server runs or not."""
    from rustygpt_server.app.backup_command import make_backup

    code = make_backup(_load_for(data_dir, config), dict(os.environ), file, quiet=quiet)
    raise click.exceptions.Exit(code)


@click.command("restore-backup")
@click.argument("file", type=click.Path(path_type=Path))
@_DATA_DIR
@_CONFIG
@_QUIET
def restore_backup(file: Path, data_dir: str | None, config: Path | None, quiet: bool) -> None:
    """Restore the backup FILE into an empty database; all sessions end."""
    from rustygpt_server.app.backup_command import restore

    code = restore(_load_for(data_dir, config), dict(os.environ), file, quiet=quiet)
    raise click.exceptions.Exit(code)


@click.command()
@_DATA_DIR
@_CONFIG
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def doctor(data_dir: str | None, config: Path | None, as_json: bool) -> None:
    """Check the settings, the database, and the age and readability of the last backup."""
    from rustygpt_server.app.backup_command import diagnose

    findings = diagnose(_load_for(data_dir, config), dict(os.environ))
    for finding in findings:
        if as_json:
            click.echo(msgspec.json.encode(finding).decode())
        else:
            click.echo(f"{finding.status:<8} {finding.message}")
    failed = any(finding.status == "failed" for finding in findings)
    raise click.exceptions.Exit(FAILED if failed else 0)


def _load_for(data_dir: str | None, config: Path | None) -> LoadedSettings:
    return _load(config, {("db", "data_dir"): data_dir} if data_dir else {})


@click.group()
def config() -> None:
    """Create, show or check the server's configuration."""


@config.command("init")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), required=False)
def init(file: Path | None) -> None:
    """Write a settings file in which every setting is a comment; `-` prints it.

    FILE is by default `config.toml` in the user's configuration folder. An existing file is never
    overwritten.
    """
    from rustygpt_shared.settings.documents import commented_file

    if file == Path("-"):
        click.echo(commented_file(), nl=False)
        return
    try:
        written = _create(file, commented_file())
    except OSError as error:
        click.echo(f"The settings file cannot be written: {error}.", err=True)
        sys.exit(FAILED)
    click.echo(f"Wrote {written}. Edit it, then run `rustygpt config check`.", err=True)


@config.command("schema")
def schema() -> None:
    """Print the JSON Schema of the settings file, which editors use to complete and check it."""
    from rustygpt_shared.settings.documents import json_schema

    click.echo(msgspec.json.format(msgspec.json.encode(json_schema())).decode())


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
    from rustygpt_server.config import exposed_secrets_warning

    loaded = _load(file, {})
    warning = exposed_secrets_warning(loaded)
    if warning:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"The configuration is fine ({loaded.file or 'no file'}, profile {loaded.profile}).")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), help="Default: by FILE.")
@click.option("--config", type=click.Path(path_type=Path), help="Read settings from this file.")
def spec(file: Path, form: str | None, config: Path | None) -> None:
    """Write the OpenAPI document to FILE or standard output, as the server would serve it."""
    from rustygpt_server.app.factory import route_groups
    from rustygpt_server.openapi.document import as_json, as_yaml, build

    settings = _load(config, {}).settings
    document = build(route_groups(settings), settings)
    is_json = (form or file.suffix.removeprefix(".")) == "json"
    data = (as_json if is_json else as_yaml)(document)
    if file == Path("-"):
        sys.stdout.buffer.write(data)
        return
    try:
        file.write_bytes(data)
    except OSError as error:
        click.echo(f"The document cannot be written: {error}.", err=True)
        sys.exit(FAILED)


def _create(file: Path | None, text: str) -> Path:
    """Write a new file that only its owner may read, as secrets go into it; return its path."""
    from rustygpt_server.config import config_folder

    folder = config_folder(os.environ)
    if file is None:
        existing = next((folder / n for n in FILE_NAMES if (folder / n).exists()), None)
        if existing:  # `config.toml` would be read instead of it
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(existing))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / FILE_NAMES[0]
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:  # noqa: PTH123
        opened.write(text)
    return file


def _rows(loaded: LoadedSettings) -> list[tuple[str, Any, str]]:
    return [
        (".".join(key), _masked(key, value), loaded.sources.get(key, "default"))
        for key, value in walk(loaded.settings)
    ]


def _masked(key: Key, value: Any) -> Any:
    return "***" if key[-1] in shared.SECRETS and value else value


def _load(file: Path | None, flags: dict[Key, Any], *, supervised: bool = False) -> LoadedSettings:
    """Return the settings; end the program with a message that lists every error in them."""
    from rustygpt_server.config import load_config

    try:
        return load_config(os.environ, flags=flags, config=file)
    except SettingsError as error:
        separator = "\n  " if len(error.errors) > 1 else " "
        lines = separator.join(["The configuration cannot be used:", *error.errors])
        click.echo(lines, err=True)
        if supervised:
            click.echo(msgspec.json.encode({"failed": " ".join(lines.split())}))
        sys.exit(USAGE)
