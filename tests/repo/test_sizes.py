"""Files and functions stay small enough to be read at once."""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE_LIMIT = 450
FUNCTION_LIMIT = 30


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _lines(file: Path) -> int:
    return len(file.read_text("utf-8").splitlines())


def test_no_file_is_longer_than_450_lines() -> None:
    """The guidance is 300 lines; above 450 a file has to be split."""
    files = _tracked("*.py", "*.js", "*.css", "*.sql", "*.tcss")

    assert files
    assert [str(f) for f in files if _lines(f) > FILE_LIMIT] == []


def test_no_function_is_longer_than_30_lines() -> None:
    """Counted without its signature and its docstring, in the program itself."""
    long = [
        f"{file.name}:{node.name}"
        for file in _tracked("shared/*.py", "server/*.py", "tui/*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _body(node) > FUNCTION_LIMIT
    ]

    assert long == []


def _body(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - first[0].lineno + 1 if first else 0
