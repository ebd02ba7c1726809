"""Writes the reference pages from the code: settings, routes and events.

`python -m tests.repo.generate_reference` writes them; a test fails when they are stale.
"""

import ast
import inspect
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from rustygpt_server.api.routing import Operation
from rustygpt_server.app.factory import route_groups
from rustygpt_shared import events
from rustygpt_shared import settings as sections
from rustygpt_shared.settings import PROFILES, Features, Section, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "reference"
_NOTE = "This page is written from the code by `python -m tests.repo.generate_reference`.\n"


def pages() -> dict[str, str]:
    """Every reference page, by file name."""
    return {
        "configuration.md": "\n".join(_configuration()),
        "http.md": "\n".join(_http()),
        "events.md": "\n".join(_events()),
    }


def _configuration() -> Iterator[str]:
    yield "# Configuration\n"
    yield _NOTE
    yield (
        "Defaults of the profile (`RUSTYGPT_PROFILE`: `dev`, `test` or `prod`) are covered by a "
        "file (`--config`, `RUSTYGPT_CONFIG`, else `config.toml`, `.yaml`, `.yml` or `.json` in "
        "the working directory, else in the user's configuration folder), that by the environment "
        "(`RUSTYGPT__SERVER__PORT=9000`; `DATABASE_URL` means `db.url`), and that by flags. "
        "`rustygpt config show` prints each value with its source.\n"
    )
    for name in Settings.__struct_fields__:
        section = _hints(Settings)[name]
        yield f"## `{name}`\n"
        yield f"{inspect.getdoc(section)}\n"
        yield "| setting | default | meaning |\n| --- | --- | --- |"
        yield from _rows(section, (name,))
        yield ""


def _rows(section: type[Section], above: tuple[str, ...]) -> Iterator[str]:
    words = _field_docs(section)
    defaults = {f.name: f for f in msgspec.structs.fields(section)}
    for name, hint in _hints(section).items():
        key = (*above, name)
        inner = _inner(hint)
        if inner is not None and typing.get_origin(hint) is not dict:
            yield from _rows(inner, key)
            continue
        default = _default(defaults[name], key)
        yield f"| `{'.'.join(key)}` | {default} | {words[name]} |"
        if inner is not None:
            yield from _rows(inner, (*key, "<name>"))


def _hints(shape: type) -> dict[str, Any]:
    hints = typing.get_type_hints(shape)
    return {name: hints[name] for name in shape.__struct_fields__}  # type: ignore[attr-defined]


def _inner(hint: Any) -> type[Section] | None:
    if typing.get_origin(hint) is dict:
        hint = typing.get_args(hint)[1]
    return hint if isinstance(hint, type) and issubclass(hint, Section) else None


def _default(info: msgspec.structs.FieldInfo, key: tuple[str, ...]) -> str:
    if info.required:
        return "required"
    value = info.default
    if value is msgspec.NODEFAULT:
        value = info.default_factory()  # type: ignore[misc]
    others = [f"{p} `{c[key]}`" for p, c in PROFILES.items() if c.get(key, value) != value]
    shown = "none" if value is None else f"`{msgspec.json.encode(value).decode()}`"
    return "; ".join([shown, *others])


def _field_docs(shape: type) -> dict[str, str]:
    """The docstring under each field; its absence is a mistake."""
    body = ast.parse(inspect.getsource(sections)).body
    found = next(n for n in body if isinstance(n, ast.ClassDef) and n.name == shape.__name__)
    words = {}
    for node, following in zip(found.body, [*found.body[1:], None], strict=True):  # type: ignore[list-item]
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            has_text = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            text = following.value.value if has_text else ""  # type: ignore[union-attr]
            words[node.target.id] = " ".join(str(text).split())
    return words


def operations() -> list[Operation]:
    """Every route that all flags on give."""
    return [operation for group in route_groups(Features()) for operation in group.operations]


def _http() -> Iterator[str]:
    yield "# Routes\n"
    yield _NOTE
    yield (
        "Errors are `application/problem+json`. Lists take `limit` and `cursor`. Requests with a "
        "session cookie that change something carry `X-CSRF-TOKEN`. A POST that creates takes "
        "`Idempotency-Key`.\n"
    )
    yield "| method, path | who | request → answer | what it does |\n| --- | --- | --- | --- |"
    for one in operations():
        request_type = f"`{_name(one.body)}` → " if one.body else ""
        response_type = f" `{_name(one.response)}`" if one.response else ""
        shapes = f"{request_type}{one.status}{response_type}"
        yield f"| {one.method} `{one.template}` | {one.access} | {shapes} | {one.summary} |"
    yield ""


def _name(shape: Any) -> str:
    if isinstance(shape, str):
        return shape
    if typing.get_origin(shape) is None:
        return str(shape.__name__)
    return str(shape).replace("rustygpt_shared.models.messages.", "").replace("typing.", "")


def _events() -> Iterator[str]:
    yield "# Events\n"
    yield _NOTE
    yield (
        "What a stream sends. Durable events are numbered in their conversation and have an `id`; "
        "a stream can be resumed after any of them.\n"
    )
    yield "| event | payload | meaning |\n| --- | --- | --- |"
    for event in typing.get_args(events.Event):
        payload = typing.get_type_hints(event)["payload"]
        fields = ", ".join(f"`{name}`" for name in payload.__struct_fields__)
        meaning = (inspect.getdoc(event) or "").partition("\n")[0]
        yield f"| `{event.__struct_config__.tag}` | {fields} | {meaning} |"
    yield ""


if __name__ == "__main__":
    PAGES.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text, "utf-8")
