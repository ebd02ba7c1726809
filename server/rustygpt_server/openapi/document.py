"""Build the OpenAPI 3.1 document from the operations and structs that serve, and write it.

The order is that of the operations and of names, so the same server writes the same bytes.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, get_args

import msgspec
import yaml

from rustygpt_server.api.parameters import Parameter
from rustygpt_server.api.request_parsing import SAFE_METHODS
from rustygpt_server.api.routing import Operation, RouteGroup
from rustygpt_server.openapi.examples import example_of
from rustygpt_server.openapi.responses import components, responses_of
from rustygpt_shared import __version__, json_schemas
from rustygpt_shared.chat_completions import OpenAIError
from rustygpt_shared.events import Event
from rustygpt_shared.models.exports import EXPORT_LINES
from rustygpt_shared.problems import Problem
from rustygpt_shared.requests import Request
from rustygpt_shared.settings import Settings

_REF: Final = "#/components/schemas/{name}"
_DESCRIPTION: Final = """\
Threaded group chat with an assistant.

Sign in with `POST /api/auth/login`: the response sets a session cookie, and a cookie with the \
CSRF token that requests which change something send in a header. Programs use a personal token \
(`POST /api/auth/tokens`) instead: `Authorization: Bearer rgpt_…`. Errors are problems (RFC 9457). \
Lists have a `limit` and a `cursor`. Where there is GET there is HEAD, except for streams.\
"""


def build(groups: Sequence[RouteGroup], settings: Settings) -> dict[str, Any]:
    """Return the document of these routes, as it is written in JSON."""
    operations = [(group, operation) for group in groups for operation in group.operations]
    schemas, named = _schemas([operation for _, operation in operations])
    paths: dict[str, dict[str, Any]] = {}
    for group, operation in operations:
        described = _operation(group, operation, settings, schemas)
        paths.setdefault(operation.template, {})[operation.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "RustyGPT",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "jsonSchemaDialect": json_schemas.DIALECT,
        "servers": [{"url": settings.server.public_base_url or "/"}],
        "tags": [{"name": group.name} for group in groups],
        "paths": paths,
        "components": {
            "schemas": named,
            **components(settings),
            "securitySchemes": _security_schemes(settings),
        },
    }


def as_json(document: dict[str, Any]) -> bytes:
    """Return the document as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def as_yaml(document: dict[str, Any]) -> bytes:
    """Return the document as YAML 1.2 that YAML 1.1 reads the same way."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=100)
    return text.encode()


def _schemas(operations: Sequence[Operation]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of each body and response, and all schemas that these refer to by name."""
    shapes = []
    for operation in operations:
        for shape in (
            operation.body,
            operation.form,
            operation.response,
            operation.streamed_response,
        ):
            if shape is not None and not isinstance(shape, str | tuple) and shape not in shapes:
                shapes.append(shape)
    members = list(get_args(Event))
    lines = list(EXPORT_LINES)
    found, named = json_schemas.components([*shapes, *members, *lines, Problem, OpenAIError], _REF)
    for shape in shapes:
        if isinstance(shape, type) and issubclass(shape, Request):
            _add_text_limits(named[shape.__name__], shape)
    named["Event"] = {
        "description": "An event of a stream, distinguished by `type`.",
        "oneOf": [{"$ref": _REF.format(name=event.__name__)} for event in members],
        "discriminator": {
            "propertyName": "type",
            "mapping": {
                event.__struct_config__.tag: _REF.format(name=event.__name__) for event in members
            },
        },
    }
    return dict(zip(map(_key, shapes), found, strict=False)), dict(sorted(named.items()))


def _key(shape: Any) -> str:
    return str(shape)


def _add_text_limits(schema: dict[str, Any], shape: type[Request]) -> None:
    """Add the longest length of each text; trimmed text may be longer in a request."""
    for name, rule in shape.VALIDATORS.items():
        described = schema["properties"][name]
        note = f"At most {rule.max_length:,} characters."
        described["description"] = f"{described.get('description', '')} {note}".strip()


def _operation(
    group: RouteGroup, operation: Operation, settings: Settings, schemas: dict[Any, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [group.name],
        "summary": operation.summary,
        "security": _security(operation, settings),
    }
    text = operation.description
    if text:
        described["description"] = text
    parameters = [*_path_parameters(operation), *map(_parameter, operation.parameters)]
    if parameters:
        described["parameters"] = parameters
    if operation.body is not None:
        media = {"schema": schemas[_key(operation.body)], "example": example_of(operation.body)}
        described["requestBody"] = {
            "required": not operation.is_body_optional,
            "content": {"application/json": media},
        }
    if operation.streamed_body:
        content: dict[str, Any] = {media: {"schema": {}} for media in operation.streamed_body}
        described["requestBody"] = {"required": True, "content": content}
    if operation.form is not None:
        form = {"schema": schemas[_key(operation.form)], "example": example_of(operation.form)}
        described["requestBody"] = {"content": {"application/x-www-form-urlencoded": form}}
    schema = schemas.get(_key(operation.response))
    described["responses"] = responses_of(operation, settings, schema)
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    """Return the parameters of the path, in its order."""
    parameters = []
    for name, kind in re.findall(r"<(\w+):(\w+)>", operation.path):
        schema = {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string"}
        parameters.append({"name": name, "in": "path", "required": True, "schema": schema})
    return parameters


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": parameter.location,
        "description": parameter.description,
        "schema": parameter.schema,
    }
    if parameter.example is not None:
        described["example"] = parameter.example
    return described


def _security(operation: Operation, settings: Settings) -> list[dict[str, list[str]]]:
    if operation.access == "public":
        return []
    session: dict[str, list[str]] = {"session": []}
    if operation.method not in SAFE_METHODS and settings.security.csrf.enabled:
        session["csrf"] = []
    scope = operation.required_scope
    return [session, {"token": [scope]}] if scope else [session]


def _security_schemes(settings: Settings) -> dict[str, Any]:
    return {
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": settings.security.csrf.header_name,
            "description": f"The value of the cookie {settings.security.csrf.cookie_name}.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": settings.auth.session.session_cookie_name,
            "description": "The session, which a login starts.",
        },
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "rgpt_[0-9A-Za-z]{43}",
            "description": "A personal token with the scope that the operation names.",
        },
    }
