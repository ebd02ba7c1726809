"""Load settings from profile, file, environment and flags, with the source of each value.

Later sources override earlier ones. All errors are collected, so one start reports all of them.
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import yaml

from rustygpt_shared.settings import PROFILES, Section, Settings

PREFIX = "RUSTYGPT__"
FILE_NAMES = ("config.toml", "config.yaml", "config.yml", "config.json")
_PARSERS = {".toml": tomllib.loads, ".json": json.loads}

Key = tuple[str, ...]


class SettingsError(Exception):
    """Settings that cannot be used; `errors` has a sentence for each error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


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
        ("environment", _from_environment(environ), False),
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
        if isinstance(value, dict) and value and _is_section(_type_of(key)):
            yield from _leaves(value, key)
        else:
            yield key, value


def _is_section(setting_type: Any) -> bool:
    """Return True for a section, and for a mapping of names to sections."""
    if get_origin(setting_type) is dict:
        return _is_section(get_args(setting_type)[1])
    return isinstance(setting_type, type) and issubclass(setting_type, Section)


def _from_environment(environ: Mapping[str, str]) -> dict[Key, Any]:
    values: dict[Key, Any] = {}
    if environ.get("DATABASE_URL"):
        values["db", "url"] = environ["DATABASE_URL"]
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX):
            values[tuple(name[len(PREFIX) :].lower().split("__"))] = value
    return values


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


def _build(tree: dict[str, Any], sources: dict[Key, str], errors: list[str]) -> Settings:
    try:
        settings = msgspec.convert(tree, Settings, from_attributes=True)
    except msgspec.ValidationError as error:
        errors.append(str(error))
    if errors:
        raise SettingsError(errors)
    return settings
