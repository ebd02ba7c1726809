"""The settings as a commented file and as a JSON Schema."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from rustygpt_shared.settings import Section, Settings
from rustygpt_shared.settings.documents import commented_file, json_schema
from rustygpt_shared.settings.load import load, walk


def _uncommented(text: str) -> str:
    """Return the file with every setting that has a default."""
    return re.sub(r"^# (\w+ = (?!#))", r"\1", text, flags=re.MULTILINE)


def test_the_file_as_it_is_changes_nothing(tmp_path: Path) -> None:
    """Every setting is a comment."""
    file = tmp_path / "config.toml"
    file.write_text(commented_file())

    loaded = load({}, config=file)

    assert loaded.settings == Settings()
    assert loaded.sources == {}


def test_every_setting_is_in_the_file_with_its_default() -> None:
    """A default that is removed from its comment is the default; the rest is said to be not set."""
    text = commented_file().partition("# [llm.providers.NAME]")[0]
    text = re.sub(r"# \[\[well_known.entries.*?(?=\n\n)", "", text, flags=re.DOTALL)
    tree = tomllib.loads(_uncommented(text))
    for key, value in walk(Settings()):
        if key in (("llm", "providers"), ("llm", "models"), ("well_known", "entries")):
            continue
        if key[0] == "cli":
            continue  # behind the named sections
        section = tree
        for name in key[:-1]:
            section = section[name]
        if value is None:
            assert re.search(rf"^# {key[-1]} = # not set$", text, re.MULTILINE), key
        else:
            assert section[key[-1]] == value, key


def test_every_setting_is_described() -> None:
    """In the file and in the schema; a setting without a docstring fails."""
    for name, schema in json_schema()["$defs"].items():
        assert schema["description"], name
        for field, described in schema["properties"].items():
            is_section = "$ref" in described or name == "Settings"
            assert is_section or described.get("description"), f"{name}.{field}"


@pytest.mark.parametrize(
    "tree",
    [
        {"server": {"prot": 1}},
        {"server": {"port": 70_000}},
        {"well_known": {"entries": [{"path": "x"}]}},
        {"llm": {"providers": {"p": {"kind": "none"}}}},
    ],
)
def test_the_schema_refuses_what_the_server_refuses(tree: dict[str, object]) -> None:
    """Unknown settings, values out of range, and missing ones are errors in an editor too."""
    validator = Draft202012Validator(json_schema())
    validator.validate(msgspec.to_builtins(Settings()))
    validator.validate({"llm": {"models": {"m": {"provider": "p"}}}})
    with pytest.raises(ValidationError):
        validator.validate(tree)


def test_the_schema_is_one() -> None:
    """It is valid in its dialect, and names every section."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    sections = {
        type(value).__name__
        for name in Settings.__struct_fields__
        if isinstance(value := getattr(Settings(), name), Section)
    }
    assert sections < set(schema["$defs"])
