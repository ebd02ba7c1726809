"""The OpenAPI document as one HTML page that needs no script to be read.

`docs.js` adds the search, `docs.css` the looks; both lie beside this module.
"""

import re
from collections.abc import Iterator
from html import escape
from typing import Any, Final

import msgspec

_HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} API</title>
<link rel="stylesheet" href="/docs/docs.css">
<script type="module" src="/docs/docs.js"></script>
</head>
<body>
<header>
<h1>{title} API <small>{version}</small></h1>
<search hidden><label>Search <input type="search" id="query" autocomplete="off"></label>
<output id="count" for="query"></output></search>
<p><a href="/openapi.json">openapi.json</a> <a href="/openapi.yaml">openapi.yaml</a></p>
</header>
<main>
"""
_TAIL: Final = "</main>\n</body>\n</html>\n"


def as_html(document: dict[str, Any]) -> bytes:
    """Return the page of a document."""
    return "".join(_page(document)).encode()


def _page(document: dict[str, Any]) -> Iterator[str]:
    info, components = document["info"], document["components"]
    yield _HEAD.format(title=escape(info["title"]), version=escape(info["version"]))
    for paragraph in info["description"].split("\n\n"):
        yield f"<p>{_text(paragraph)}</p>\n"
    for tag in document["tags"]:
        yield f"<section>\n<h2>{escape(tag['name'])}</h2>\n"
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if tag["name"] in operation["tags"]:
                    yield from _operation(method.upper(), path, operation, components)
        yield "</section>\n"
    yield "<section>\n<h2>Schemas</h2>\n"
    for name, schema in components["schemas"].items():
        yield from _named_schema(name, schema)
    yield f"</section>\n{_TAIL}"


def _text(text: str) -> str:
    """Return a text as HTML; backticks enclose code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _operation(
    method: str, path: str, operation: dict[str, Any], components: dict[str, Any]
) -> Iterator[str]:
    name = operation["operationId"]
    yield f'<details class="entry" id="{escape(name)}">\n<summary>'
    yield f'<b class="{method.lower()}">{method}</b> <code>{escape(path)}</code> '
    yield f"<span>{_text(operation['summary'])}</span></summary>\n"
    if "description" in operation:
        yield f"<p>{_text(operation['description'])}</p>\n"
    alternatives = [" and ".join(scheme) for scheme in operation["security"]]
    yield f"<p>Requires: {_text(' or '.join(alternatives) or 'nothing')}.</p>\n"
    yield from _parameters(operation.get("parameters", []))
    if "requestBody" in operation:
        yield "<h3>Request</h3>\n"
        yield from _content(operation["requestBody"]["content"])
    yield "<h3>Responses</h3>\n<dl>\n"
    for status, response in operation["responses"].items():
        yield from _response(status, response, components)
    yield "</dl>\n</details>\n"


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<h3>Parameters</h3>\n<dl>\n"
    for one in parameters:
        note = f"{one['in']}, {_type(one['schema'])}"
        yield f"<dt><code>{escape(one['name'])}</code> <small>{note}</small></dt>\n"
        yield f"<dd>{_text(one.get('description', ''))}</dd>\n"
    yield "</dl>\n"


def _response(status: str, response: dict[str, Any], components: dict[str, Any]) -> Iterator[str]:
    is_error = "$ref" in response
    resolved = components["responses"][status] if is_error else response
    yield f"<dt>{status}</dt>\n<dd><p>{_text(resolved['description'])}</p>\n"
    if not is_error:
        yield from _content(response.get("content", {}))
    yield "</dd>\n"


def _content(content: dict[str, Any]) -> Iterator[str]:
    for media_type, media in content.items():
        yield f"<p><small>{escape(media_type)}</small> {_type(media['schema'])}</p>\n"
        if "example" in media:
            yield f"<pre>{_json(media['example'])}</pre>\n"


def _named_schema(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f'<details class="entry" id="schema-{escape(name)}">\n<summary>'
    yield f"<code>{escape(name)}</code> <span>{_text(schema.get('description', ''))}</span>"
    yield "</summary>\n<dl>\n"
    for field, described in schema.get("properties", {}).items():
        note = _type(described)
        note += " required" if field in schema.get("required", []) else ""
        yield f"<dt><code>{escape(field)}</code> <small>{note}</small></dt>\n"
        yield f"<dd>{_text(described.get('description', ''))}</dd>\n"
    for one in schema.get("oneOf", []):
        yield f"<dt>{_type(one)}</dt>\n"
    yield "</dl>\n</details>\n"


def _type(schema: dict[str, Any]) -> str:
    """Return the type of a schema as HTML, with links to the schemas that it refers to."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"<code>{_json(value)}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    limits = [f"{key} {schema[key]}" for key in ("minimum", "maximum", "default") if key in schema]
    text = schema.get("format", schema.get("type", "any value"))
    return escape(", ".join([str(text), *limits]))


def _json(value: Any) -> str:
    return escape(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
