"""The settings as documents: a commented file to begin with, and a JSON Schema for editors.

Reading settings belongs to `load`.
"""

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from rustygpt_shared.json_schemas import DIALECT, components, field_docs
from rustygpt_shared.settings import PROFILES, Section, Settings

_HEAD = """\
# The configuration of RustyGPT.
#
# Each line that begins with "# name =" shows a setting with its default: remove the "# " to change
# it. Environment variables such as RUSTYGPT__SERVER__PORT override this file. `rustygpt config
# check` checks it, `rustygpt config show` prints what is in force.
# Only its owner should be able to read a file with secrets.
"""
_WIDTH = 100


def commented_file() -> str:
    """Return a settings file in TOML in which every setting is a comment with its default."""
    return "\n".join([_HEAD, *_section(Settings, ())]).rstrip() + "\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a settings file, which refuses unknown settings."""
    (root,), named = components([Settings], "#/$defs/{name}")
    for schema in named.values():
        schema["additionalProperties"] = False
    return {"$schema": DIALECT, "title": "Configuration of RustyGPT", **root, "$defs": named}


def profile_note(key: tuple[str, ...], value: Any) -> str:
    """Return which profiles have another default than `value`, such as `prod: true`, or nothing."""
    others = [(name, changes.get(key, value)) for name, changes in PROFILES.items()]
    return "; ".join(f"{name}: {_toml(other)}" for name, other in others if other != value)


def inner_section(hint: Any) -> type[Section] | None:
    """Return the section that a setting's type is, or that it maps or lists, or None."""
    if get_origin(hint) in (dict, list):
        hint = get_args(hint)[-1]
    return hint if isinstance(hint, type) and issubclass(hint, Section) else None


def default_value(field: msgspec.structs.FieldInfo) -> Any:
    """Return the default of a field that has one."""
    if field.default is not msgspec.NODEFAULT:
        return field.default
    return field.default_factory()


def _section(shape: type[Section], key: tuple[str, ...]) -> Iterator[str]:
    """Yield the lines of a section: its own settings first, as TOML requires."""
    hints = get_type_hints(shape)
    fields = {field.name: field for field in msgspec.structs.fields(shape)}
    docs = field_docs(shape)
    inner = {name: section for name in fields if (section := inner_section(hints[name]))}
    for name in [name for name in fields if name not in inner]:
        yield from _comment(docs.get(name, ""), fields[name], (*key, name))
        yield _assignment(name, fields[name])
    for name, section in inner.items():
        yield ""
        yield from _inner(section, (*key, name), get_origin(hints[name]))


def _inner(section: type[Section], key: tuple[str, ...], container: Any) -> Iterator[str]:
    """Yield a section with its heading; one that is named or repeated by the user is commented."""
    yield f"# {' '.join((inspect.getdoc(section) or '').split())}"
    path = ".".join(key)
    if container is dict:
        yield f"# [{path}.NAME]"
    elif container is list:
        yield f"# [[{path}]]"
    else:
        yield f"[{path}]"
    yield from _section(section, key)


def _comment(text: str, field: msgspec.structs.FieldInfo, key: tuple[str, ...]) -> Iterator[str]:
    note = "" if field.required else profile_note(key, default_value(field))
    words = (text + (f" ({note})" if note else "")).split()
    line = "#"
    for word in words:
        if len(line) + 1 + len(word) > _WIDTH:
            yield line
            line = "#"
        line += f" {word}"
    if words:
        yield line


def _assignment(name: str, field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return f"# {name} = # required"
    value = default_value(field)
    return f"# {name} = # not set" if value is None else f"# {name} = {_toml(value)}"


def _toml(value: Any) -> str:
    """Return a default as TOML; JSON's form of texts, numbers and lists is also TOML's."""
    return "{}" if value == {} else msgspec.json.encode(value).decode()
