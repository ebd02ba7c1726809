"""Words of the earlier vocabulary stay out of the code; the glossary has the terms in use."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE = ("shared/*.py", "server/*.py", "tui/*.py", "tests/*.py", "web/js/*.js", "sql/*.sql")
FORBIDDEN = frozenset(
    """
    room rooms desk door doors relay seat seats unseat passage passages outbox shelf crew ear
    ears told tells newcomer chore chores upkeep walls town house houses born births beaten
    begun wish wishes anew whoever refusals typists scene
    """.split()  # noqa: SIM905 - a list of words is easier to read so
)
"""Names with these words were private metaphors, or had several meanings."""
ALLOWED = {
    ("tests/repo/test_vocabulary.py", None),  # lists the words
    ("tests/benchmarks/dataset.py", "room"),  # a placeholder in the load client's URLs
}
"""Files, or a word in a file, that are exempt."""


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z", *CODE],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _words(text: str) -> Iterator[str]:
    """Yield the words of identifiers: `SendQueue.pop_chunk` → send, queue, pop, chunk."""
    for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text):
        yield part.lower()


def _names(file: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, text) of names and comments; strings of Python hold data, not names."""
    text = file.read_text("utf-8")
    if file.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.COMMENT):
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node)
            if documented:
                yield node.body[0].lineno, documented


def test_no_word_of_the_earlier_vocabulary_comes_back() -> None:
    """A name, a comment or a docstring uses the glossary's terms."""
    hits = []
    for file in _files():
        name = str(file.relative_to(ROOT))
        if (name, None) in ALLOWED:
            continue
        for line, text in _names(file):
            words = FORBIDDEN.intersection(_words(text))
            hits += [f"{name}:{line}: {w}" for w in sorted(words) if (name, w) not in ALLOWED]

    assert hits == []


def test_file_names_use_the_glossary() -> None:
    """A module's or script's name has no word of the earlier vocabulary."""
    hits = [
        f"{file.relative_to(ROOT)}: {word}"
        for file in _files()
        for word in sorted(FORBIDDEN.intersection(_words(file.stem)))
    ]

    assert hits == []
