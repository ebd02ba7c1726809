"""Highlights the code of one message, within an allowance of processor time.

Code that needs more is not coloured, and the rest of its message is rendered nevertheless.
"""

import time
from functools import cache
from typing import Final

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer

from rustygpt_shared.deadline.worker import TooSlow, allowance
from rustygpt_shared.lexers import is_known, lexer_of

CPU_SECONDS: Final = 0.1
"""The processor time for all code of one message."""
_MAX_CODE: Final = 50_000
"""Longer code is not highlighted."""
_MAX_LANGUAGES: Final = 8
"""Code in further languages is not highlighted: loading a lexer takes time."""


class Highlighter:
    """Highlights code blocks of one message until the allowance is used up."""

    def __init__(self) -> None:
        self._left = CPU_SECONDS
        self._languages: set[str] = set()

    def html(self, code: str, language: str) -> str:
        """Return highlighted HTML, or an empty string when the code is shown as it is."""
        lexer = self._lexer(language) if self._left > 0 and len(code) <= _MAX_CODE else None
        if lexer is None:
            return ""
        start = time.process_time()
        try:
            with allowance(self._left):
                return str(highlight(code, lexer, _formatter()))
        except TooSlow:
            return ""
        finally:
            self._left -= time.process_time() - start

    def _lexer(self, language: str) -> Lexer | None:
        """Return the lexer of a language; loading it is not a part of the allowance."""
        if not is_known(language):
            return None
        self._languages.add(language)
        return lexer_of(language) if len(self._languages) <= _MAX_LANGUAGES else None


@cache
def _formatter() -> HtmlFormatter[str]:
    return HtmlFormatter(nowrap=True)
