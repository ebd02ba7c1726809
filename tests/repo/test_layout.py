"""Tests mirror the tree."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIDES = {
    "shared": ROOT / "shared" / "rustygpt_shared",
    "server": ROOT / "server" / "rustygpt_server",
    "tui": ROOT / "tui" / "rustygpt_tui",
}


def _tests(side: str) -> list[Path]:
    return sorted((ROOT / "tests" / side).rglob("test_*.py"))


def test_every_test_file_stands_where_its_module_stands() -> None:
    """`server/rustygpt_server/db/pool.py` is tested by `tests/server/db/test_pool.py`."""
    lost = []
    for side, source in SIDES.items():
        for file in _tests(side):
            where = file.relative_to(ROOT / "tests" / side)
            name = where.stem.removeprefix("test_")
            if not any(_is_module(source / where.parent / start) for start in _starts(name)):
                lost.append(str(file.relative_to(ROOT)))

    assert lost == []


def _starts(name: str) -> list[str]:
    """`bootstrap_operators` may also be a second file about `bootstrap`."""
    parts = name.split("_")
    return ["_".join(parts[:length]) for length in range(len(parts), 0, -1)]


def _is_module(path: Path) -> bool:
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_every_folder_of_the_program_has_tests() -> None:
    """A package of which nothing is tested by itself is a hole."""
    holes = []
    for side, source in SIDES.items():
        for package in source.rglob("__init__.py"):
            here = package.parent.relative_to(source)
            if any(package.parent.glob("[!_]*.py")):
                tests = ROOT / "tests" / side / here
                if not any(tests.glob("test_*.py")):
                    holes.append(f"tests/{side}/{here}")

    assert holes == []
