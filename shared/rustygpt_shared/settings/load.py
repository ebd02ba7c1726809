"""Load settings from profile, file, environment and flags, with the source of each value.

Later sources override earlier ones. All errors are collected, so one start reports all of them.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import yaml

from rustygpt_shared.settings import PROFILES, SECRETS, Section, Settings

PREFIX = "RUSTYGPT__"
FILE_SUFFIX = "_FILE"
"""Ends the name of an environment variable that holds the path of a file with a secret."""
SECRET_FILE_LIMIT = 65_536
FILE_NAMES = ("config.toml", "config.yaml", "config.yml", "config.json")
_PARSERS = {".toml": tomllib.loads, ".json": json.loads}

_MISSING = re.compile(
    r"Object missing required field `(?P<field>\w+)` - at `\$\.(?P<section>[\w.]+)\[\.\.\.\]`"
)

Key = tuple[str, ...]


class SettingsError(Exception):
    """Settings that cannot be used; `errors` has a sentence for each error.

    `usable` are the settings without the values that cannot be used, for further checks.
    """

    def __init__(self, errors: list[str], usable: Settings | None = None) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors
        self.usable = usable


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, and the source of each value that is not a default."""

    settings: Settings
    sources: dict[Key, str]
    file: Path | None
    profile: str


def load(
    environ: Mapping[str, str],
    *,
    flags: Mapping[Key, Any] | None = None,
    config: Path | None = None,
    folders: tuple[Path, ...] = (),
) -> LoadedSettings:
    """Return the settings from all sources; raise SettingsError with every error.

    `flags` maps the path of a setting to its value. `config` is the settings file; without it, the
    file is the one that `RUSTYGPT_CONFIG` names, else the first one found in `folders`.
    """
    errors: list[str] = []
    profile = environ.get("RUSTYGPT_PROFILE", "dev")
    if profile not in PROFILES:
        errors.append(f"RUSTYGPT_PROFILE is {profile!r}; it can be {', '.join(PROFILES)}")
    file = _find(environ, config, folders)
    layers = [
        (f"profile {profile}", dict(PROFILES.get(profile, {})), True),
        (f"file {file}", _read(file, errors) if file else {}, True),
        ("environment", _from_environment(environ, errors), False),
        ("flag", dict(flags or {}), True),
    ]
    tree: dict[str, Any] = {}
    sources: dict[Key, str] = {}
    for source, values, strict in layers:
        for key, value in values.items():
            _apply(tree, sources, key, value, source, strict=strict, errors=errors)
    settings = _build(tree, sources, errors)
    return LoadedSettings(settings, sources, file, profile)


def walk(settings: Section, prefix: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield the path and the value of every setting, in the order of the structs."""
    for name in settings.__struct_fields__:
        value = getattr(settings, name)
        key = (*prefix, name)
        if isinstance(value, Section):
            yield from walk(value, key)
        elif isinstance(value, dict) and any(isinstance(v, Section) for v in value.values()):
            for inner, section in value.items():
                yield from walk(section, (*key, inner))
        else:
            yield key, value


def _find(
    environ: Mapping[str, str], config: Path | None, folders: tuple[Path, ...]
) -> Path | None:
    if config or environ.get("RUSTYGPT_CONFIG"):
        return config or Path(environ["RUSTYGPT_CONFIG"])
    return next((f / n for f in folders for n in FILE_NAMES if (f / n).is_file()), None)


def _read(file: Path, errors: list[str]) -> dict[Key, Any]:
    parse = _PARSERS.get(file.suffix, yaml.safe_load)
    try:
        tree = parse(file.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        errors.append(f"{file} cannot be read: {' '.join(str(error).split())}")
        return {}
    if not isinstance(tree or {}, dict):
        errors.append(f"{file} does not consist of sections with settings")
        return {}
    return dict(_leaves(tree or {}))


def _leaves(tree: dict[str, Any], prefix: Key = ()) -> Iterator[tuple[Key, Any]]:
    """Yield the path and the value of every setting in a parsed file."""
    for name, value in tree.items():
        key = (*prefix, str(name))
        if (isinstance(value, dict) or value is None) and _is_section(_type_of(key)):
            yield from _leaves(value or {}, key)  # an empty section changes nothing
        else:
            yield key, value


def _is_section(setting_type: Any) -> bool:
    """Return True for a section, and for a mapping of names to sections."""
    if get_origin(setting_type) is dict:
        return _is_section(get_args(setting_type)[1])
    return isinstance(setting_type, type) and issubclass(setting_type, Section)


def _from_environment(environ: Mapping[str, str], errors: list[str]) -> dict[Key, Any]:
    values: dict[Key, Any] = {}
    names = [name for name in sorted(environ) if name.startswith(PREFIX)]
    # Names with the prefix are the exact ones, and override the short name.
    for name in ("DATABASE_URL", f"DATABASE_URL{FILE_SUFFIX}", *names):
        if not environ.get(name) and not name.startswith(PREFIX):
            continue
        key = _key_of_variable(name)
        secret_key = _key_of_secret_file(name, key)
        if secret_key is None:
            values[key] = environ[name]
        elif environ.get(name.removesuffix(FILE_SUFFIX)):
            errors.append(f"{name.removesuffix(FILE_SUFFIX)} and {name} are both set; keep one")
        else:
            values[secret_key] = _read_secret(name, Path(environ[name]), errors)
    return values


def _key_of_variable(name: str) -> Key:
    if name.startswith("DATABASE_URL"):
        return ("db", "url" + name.removeprefix("DATABASE_URL").lower())
    return tuple(name[len(PREFIX) :].lower().split("__"))


def _key_of_secret_file(name: str, key: Key) -> Key | None:
    """Return the path of the secret whose file the variable names, or None for other variables."""
    if not name.endswith(FILE_SUFFIX) or _type_of(key) is not None:
        return None
    secret = (*key[:-1], key[-1].removesuffix(FILE_SUFFIX.lower()))
    return secret if secret[-1] in SECRETS and _type_of(secret) is not None else None


def _read_secret(name: str, file: Path, errors: list[str]) -> str:
    """Return the text of a file without the line's end that editors add; on errors, nothing."""
    try:
        with file.open("rb") as opened:
            data = opened.read(SECRET_FILE_LIMIT + 1)
        if len(data) > SECRET_FILE_LIMIT:
            raise ValueError(f"it is larger than {SECRET_FILE_LIMIT:,} bytes")  # noqa: TRY301
        return data.decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        errors.append(f"{name}: {file} cannot be read: {reason}")
        return ""


def _type_of(key: Key) -> Any:
    """Return the type of the setting or section at a path, or None when there is none."""
    setting_type: Any = Settings
    for name in key:
        if get_origin(setting_type) is dict:
            setting_type = get_args(setting_type)[1]
        elif _is_section(setting_type):
            setting_type = get_type_hints(setting_type, include_extras=True).get(name)
        else:
            return None
    return setting_type


def _apply(
    tree: dict[str, Any],
    sources: dict[Key, str],
    key: Key,
    value: Any,
    source: str,
    *,
    strict: bool,
    errors: list[str],
) -> None:
    """Set the value at a path of `tree`, or add an error."""
    dotted = ".".join(key)
    setting_type = _type_of(key)
    if setting_type is None or _is_section(setting_type):
        problem = "is not a setting" if setting_type is None else "is a section, not a value"
        errors.append(f"{dotted} ({source}) {problem}")
        return
    try:
        converted = _convert(value, setting_type, strict=strict)
    except (msgspec.ValidationError, ValueError) as error:
        errors.append(f"{dotted} ({source}): {error}")
        return
    section = tree
    for name in key[:-1]:
        section = section.setdefault(name, {})
    section[key[-1]] = converted
    sources[key] = source


def _convert(value: Any, setting_type: Any, *, strict: bool) -> Any:
    """Return a value in the type of its setting.

    Without `strict` (the environment), a list or table may be JSON, and a list comma-separated.
    """
    if isinstance(value, str) and not strict and get_origin(setting_type) in (list, dict):
        is_json = value.lstrip()[:1] in ("[", "{")
        value = json.loads(value) if is_json else [v.strip() for v in value.split(",") if v.strip()]
    return msgspec.convert(value, setting_type, strict=strict)


def _missing_keys(tree: dict[str, Any], error: str) -> list[str]:
    """Return a sentence for each named entry without a required key; msgspec gives no names."""
    missing = _MISSING.fullmatch(error)
    if missing is None:
        return []
    field, section = missing["field"], missing["section"]
    entries: Any = tree
    for name in section.split("."):
        entries = entries[name]
    lacking = [name for name, entry in entries.items() if field not in entry]
    return [f"{section}.{name} needs the key `{field}`" for name in lacking]


def _build(tree: dict[str, Any], sources: dict[Key, str], errors: list[str]) -> Settings:
    try:
        settings = msgspec.convert(tree, Settings, from_attributes=True)
    except msgspec.ValidationError as error:
        raise SettingsError([*errors, *(_missing_keys(tree, str(error)) or [str(error)])]) from None
    if errors:
        raise SettingsError(errors, settings)
    return settings
