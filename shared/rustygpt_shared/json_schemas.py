"""JSON Schemas of structs, with the docstrings of structs and fields as descriptions.

What a schema is used for (the settings file, the OpenAPI document) belongs to its callers.
"""

import ast
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import Any

import msgspec
from msgspec import Struct
from msgspec import inspect as type_info

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def field_docs(shape: type) -> dict[str, str]:
    """Return the docstring under each field of a struct, on one line; inherited fields included."""
    docs: dict[str, str] = {}
    for base in reversed(shape.__mro__):
        if issubclass(base, Struct) and base is not Struct and "__annotations__" in vars(base):
            docs.update(_own_field_docs(base))
    return docs


def components(shapes: Iterable[Any], ref_template: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the schema of each type, and those of all structs that these refer to, by name.

    `ref_template` contains `{name}`. Raises ValueError when two structs have one name.
    """
    types = list(shapes)
    schemas, named = msgspec.json.schema_components(types, ref_template=ref_template)
    structs = _structs(types)
    for name, schema in named.items():
        # A tagged struct that is a schema of its own may be listed under its tag.
        if name in structs:
            _describe(schema, structs[name])
    return list(schemas), dict(sorted(named.items()))


def _own_field_docs(shape: type) -> dict[str, str]:
    definition = _classes(sys.modules[shape.__module__])[shape.__name__]
    docs = {}
    for node, following in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
        ):
            docs[node.target.id] = " ".join(str(following.value.value).split())
    return docs


@cache
def _classes(module: ModuleType) -> dict[str, ast.ClassDef]:
    """Return the definitions of a module's classes, by name."""
    body = ast.parse(inspect.getsource(module)).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


def _describe(schema: dict[str, Any], shape: type[Struct]) -> None:
    """Add the docstrings of a struct and of its fields to its schema."""
    schema["description"] = " ".join((inspect.getdoc(shape) or "").split())
    docs = field_docs(shape)
    for field in msgspec.structs.fields(shape):
        described = docs.get(field.name)
        if described and field.encode_name in schema.get("properties", {}):
            schema["properties"][field.encode_name]["description"] = described


def _structs(types: list[Any]) -> dict[str, type[Struct]]:
    """Return all structs that these types refer to, by name."""
    found: dict[str, type[Struct]] = {}
    waiting: list[Any] = list(type_info.multi_type_info(types))
    seen: set[int] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, type_info.StructType):
            if found.get(node.cls.__name__) is node.cls:
                continue
            if found.setdefault(node.cls.__name__, node.cls) is not node.cls:
                raise ValueError(f"two structs are called {node.cls.__name__}")
        elif id(node) in seen:
            continue
        seen.add(id(node))
        waiting.extend(_parts(node))
    return found


def _parts(node: Any) -> Iterator[Any]:
    """Yield the types that a type consists of."""
    for name in getattr(node, "__struct_fields__", ()):
        value = getattr(node, name)
        values = value if isinstance(value, tuple) else (value,)
        for part in values:
            if isinstance(part, type_info.Field):
                yield part.type
            elif isinstance(part, type_info.Type):
                yield part
