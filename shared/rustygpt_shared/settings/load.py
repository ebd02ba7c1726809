"""Lay settings over each other: profile < file < environment < flags, each value with its source.

All mistakes are gathered, so that one start tells them all.
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
    """Settings that cannot be used; `mistakes` has a sentence for each."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


@dataclass(frozen=True)
class LoadedSettings:
    """The settings, and where each value that is no default came from."""

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
    """Settings from everywhere; raises SettingsError with every mistake found.

    `config` names the file; else `RUSTYGPT_CONFIG` does, else the first of `folders` that has one.
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
    """Every setting and its value, in the order of the structs."""
    for name in settings.__struct_fields__:
        value, key = getattr(settings, name), (*prefix, name)
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
        errors.append(f"{file} has to hold sections with settings in them")
        return {}
    return dict(_leaves(tree or {}, Settings))


def _leaves(tree: dict[str, Any], shape: Any, prefix: Key = ()) -> Iterator[tuple[Key, Any]]:
    for name, value in tree.items():
        key = (*prefix, str(name))
        inner = _shape(key)
        if isinstance(value, dict) and value and _has_fields(inner):
            yield from _leaves(value, inner, key)
        else:
            yield key, value


def _has_fields(shape: Any) -> bool:
    if get_origin(shape) is dict:
        return _has_fields(get_args(shape)[1])
    return isinstance(shape, type) and issubclass(shape, Section)


def _from_environment(environ: Mapping[str, str]) -> dict[Key, Any]:
    values: dict[Key, Any] = {}
    if environ.get("DATABASE_URL"):
        values["db", "url"] = environ["DATABASE_URL"]
    for name, value in sorted(environ.items()):
        if name.startswith(PREFIX):
            values[tuple(name[len(PREFIX) :].lower().split("__"))] = value
    return values


def _shape(key: Key) -> Any:
    """The type of the setting a key names, or None."""
    shape: Any = Settings
    for name in key:
        if get_origin(shape) is dict:
            shape = get_args(shape)[1]
        elif _has_fields(shape):
            shape = get_type_hints(shape, include_extras=True).get(name)
        else:
            return None
    return shape


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
    dotted, shape = ".".join(key), _shape(key)
    if shape is None or _has_fields(shape):
        what = "is no setting" if shape is None else "is a section, not a value"
        errors.append(f"{dotted} ({source}) {what}")
        return
    try:
        converted = _convert(value, shape, strict=strict)
    except (msgspec.ValidationError, ValueError) as error:
        errors.append(f"{dotted} ({source}): {error}")
        return
    section = tree
    for name in key[:-1]:
        section = section.setdefault(name, {})
    section[key[-1]] = converted
    sources[key] = source


def _convert(value: Any, shape: Any, *, strict: bool) -> Any:
    """Text from the environment stands for a list when it is JSON or has commas."""
    if isinstance(value, str) and not strict and get_origin(shape) in (list, dict):
        bracketed = value.lstrip()[:1] in ("[", "{")
        value = (
            json.loads(value) if bracketed else [v.strip() for v in value.split(",") if v.strip()]
        )
    return msgspec.convert(value, shape, strict=strict)


def _build(tree: dict[str, Any], sources: dict[Key, str], errors: list[str]) -> Settings:
    try:
        settings = msgspec.convert(tree, Settings, from_attributes=True)
    except msgspec.ValidationError as error:
        errors.append(str(error))
    if errors:
        raise SettingsError(errors)
    return settings
