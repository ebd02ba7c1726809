"""The OpenAPI document: valid, complete, and the same each time."""

import ast
import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from tests.repo.generate_reference import operations

from rustygpt_server.api.routing import Operation
from rustygpt_server.app.factory import route_groups
from rustygpt_server.openapi.document import as_json, as_yaml, build
from rustygpt_shared.settings import Features, Server, Settings

_PARAMETERS_OF = {
    "read_cursor": {"cursor"},
    "read_name_cursor": {"cursor"},
    "read_number_cursor": {"cursor"},
    "read_usage_cursor": {"cursor"},
    "idempotency_key": {"Idempotency-Key"},
    "idempotency_key_only": {"Idempotency-Key"},
    "is_html_requested": {"render"},
    "export_format": {"format"},
    "tree_start": {"cursor_path", "cursor", "before_path", "around"},
}
"""What functions of `request_parsing` read."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document with all flags."""
    return build(route_groups(Settings()), Settings())


def _id(operation: Operation) -> str:
    return f"{operation.method} {operation.template}"


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    """OpenAPI 3.1, with JSON Schemas of 2020-12."""
    assert document["openapi"].startswith("3.1")
    validate(document)


@pytest.mark.parametrize("operation", operations(), ids=_id)
def test_every_parameter_that_is_read_is_documented(operation: Operation) -> None:
    """The handler reads exactly the declared parameters, with the declared limits."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(operation.handler)))
    read, limits = set(), set()
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            names, found = _parameters_read(call)
            read |= names
            limits |= found

    assert read == {parameter.name for parameter in operation.parameters}
    declared = {
        (parameter.schema["default"], parameter.schema["maximum"])
        for parameter in operation.parameters
        if parameter.name == "limit"
    }
    assert limits == declared


def _parameters_read(call: ast.Call) -> tuple[set[str], set[tuple[int, int]]]:
    """Return the parameters that a call reads, and the default and maximum of a limit."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    values = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    if name == "limit_param":
        return {"limit"}, {(int(str(values[0])), int(str(values[1])))}
    if name in ("bool_param", "seq_param", "id_param", "time_param", "day_param"):
        return {str(value) for value in values}, set()
    if name in ("get", "getlist") and ast.unparse(call.func).split(".")[-2] in ("args", "headers"):
        is_header = ast.unparse(call.func).split(".")[-2] == "headers"
        return {_header_name(str(values[0])) if is_header else str(values[0])}, set()
    return _PARAMETERS_OF.get(name, set()), set()


def _header_name(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-")).replace("-Id", "-ID")


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    """Those of requests and of responses."""
    count = 0
    for media in _media(document):
        if "example" in media:
            schema = {**media["schema"], "components": document["components"]}
            Draft202012Validator(schema).validate(media["example"])
            count += 1

    bodies = [operation for operation in operations() if operation.body is not None]
    assert count > len(bodies) * 1.5


def _media(node: Any) -> Iterator[dict[str, Any]]:
    """Yield everything that has a schema."""
    if isinstance(node, dict):
        if "schema" in node:
            yield node
        for value in node.values():
            yield from _media(value)
    elif isinstance(node, list):
        for value in node:
            yield from _media(value)


def test_every_schema_is_described(document: dict[str, Any]) -> None:
    """From the docstring of its struct."""
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name


def test_text_and_form_are_the_same_document(document: dict[str, Any]) -> None:
    """JSON and YAML contain the same, also for a YAML 1.1 reader."""
    assert json.loads(as_json(document)) == document
    assert yaml.safe_load(as_yaml(document)) == json.loads(as_json(document))


def test_the_document_is_the_same_in_every_process(document: dict[str, Any]) -> None:
    """Nothing depends on the order of sets."""
    code = (
        "from rustygpt_server.app.factory import route_groups\n"
        "from rustygpt_server.openapi.document import as_yaml, build\n"
        "from rustygpt_shared.settings import Settings\n"
        "import sys; sys.stdout.buffer.write(as_yaml(build(route_groups(Settings()), Settings())))"
    )
    for seed in ("1", "2"):
        environ = {**os.environ, "PYTHONHASHSEED": seed}
        result = subprocess.run(
            [sys.executable, "-c", code], env=environ, capture_output=True, check=True
        )
        assert result.stdout == as_yaml(document)


def test_the_document_follows_the_settings() -> None:
    """Flags remove routes; names of cookies and headers are the configured ones."""
    features = Features(auth_v1=False, well_known=False)
    settings = Settings(
        features=features,
        server=Server(public_base_url="https://chat.example.org", request_id_header="x-trace"),
    )
    document = build(route_groups(settings), settings)

    assert not [path for path in document["paths"] if path.startswith(("/api", "/.well-known"))]
    assert document["servers"] == [{"url": "https://chat.example.org"}]
    assert "x-trace" in document["components"]["headers"]
    validate(document)
