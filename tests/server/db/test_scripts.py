"""The SQL scripts as files."""

from pathlib import Path

from rustygpt_server.assets import sql_folder
from rustygpt_server.db.scripts import STAGES, Script, location, read_script, read_stage


def test_scripts_are_sorted_by_path() -> None:
    """Helper functions sort before the procedures that use them."""
    for stage in STAGES:
        names = [script.name for script in read_stage(sql_folder(), stage)]
        assert names
        assert names == sorted(names)
        assert all(name.startswith(f"{stage}/") for name in names)


def test_each_procedure_has_its_file() -> None:
    """The file has the procedure's name, and begins with a comment about its purpose."""
    for script in read_stage(sql_folder(), "procedures"):
        assert script.text.startswith("-- "), script.name
        assert script.text.count("CREATE OR REPLACE FUNCTION ") == 1, script.name
        assert f"CREATE OR REPLACE FUNCTION rustygpt.{script.procedure}(" in script.text
    assert read_stage(sql_folder(), "schema")[0].procedure is None


def test_schema_files_are_numbered_without_gaps() -> None:
    """The numbers start at 1 and are used once."""
    numbers = [Path(s.name).name[:3] for s in read_stage(sql_folder(), "schema")]
    assert numbers == [f"{n:03}" for n in range(1, len(numbers) + 1)]


def test_line_ends_do_not_change_the_checksum(tmp_path: Path) -> None:
    """A checkout with CRLF has the same checksums."""
    (tmp_path / "schema").mkdir()
    unix, dos = tmp_path / "schema" / "1.sql", tmp_path / "schema" / "2.sql"
    unix.write_bytes(b"SELECT 1;\nSELECT 2;\n")
    dos.write_bytes(b"SELECT 1;\r\nSELECT 2;\r\n")
    assert read_script(tmp_path, unix).sha256 == read_script(tmp_path, dos).sha256


def test_the_position_of_an_error_becomes_a_line_number() -> None:
    """An error without a position has the file's name only."""
    script = Script("schema/1.sql", "schema", "a\nb\nc", "")
    assert location(script, 1) == "schema/1.sql:1"
    assert location(script, "3") == "schema/1.sql:2"
    assert location(script, 5) == "schema/1.sql:3"
    assert location(script, None) == "schema/1.sql"
