"""Renders a growing Markdown text to lines; the cost of an update depends on its end only.

Lines of blocks that ended are kept, and the open tail is rendered again. After the end, `finish`
renders the complete text.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rustygpt_tui.render import Line
from rustygpt_tui.render.markdown import render, render_block
from rustygpt_tui.render.markdown_blocks import Block, split_blocks
from rustygpt_tui.render.streaming_code_block import StreamingCodeBlock
from rustygpt_tui.render.streaming_paragraph import StreamingParagraph
from rustygpt_tui.render.text import clean


class StreamingMarkdown:
    """A growing Markdown text, rendered at one width."""

    def __init__(self, limit: int, text: str = "") -> None:
        self._limit = limit
        self._parts: list[str] = []
        self._tail = ""
        self._stable_lines: list[Line] = []
        self._open_lines: list[Line] = []
        self._env: dict[str, Any] = {}
        self._last_block: Block | None = None
        self._code_block: StreamingCodeBlock | None = None
        self._paragraph = StreamingParagraph(limit)
        self._code_start = 0
        self.recoloured = 0
        """How often stable lines of code were highlighted again."""
        if text:
            self.append(text)

    @property
    def text(self) -> str:
        """The text so far, without control characters."""
        return "".join(self._parts)

    @property
    def stable_lines(self) -> Sequence[Line]:
        """Lines that later text does not change, except for colours, which `recoloured` counts."""
        return self._stable_lines

    @property
    def open_lines(self) -> Sequence[Line]:
        """Lines of the tail, which later text may change."""
        return self._open_lines

    def append(self, text: str) -> None:
        """Add text at the end."""
        cleaned = clean(text)
        self._parts.append(cleaned)
        self._tail += cleaned
        if self._code_block:
            self._feed(self._code_block)
        elif "\n" in cleaned:
            self._stabilise()
        if self._code_block is None:
            self._render_tail()

    def finish(self) -> list[Line]:
        """Return the lines of the complete text, exactly as `render` returns them."""
        return render(self.text, self._limit)

    def _stabilise(self) -> None:
        """Move blocks that ended from the tail to the stable lines.

        Only complete lines are parsed, as a block ends at a line feed.
        """
        end = self._tail.rfind("\n") + 1
        rows = self._tail[:end].split("\n")
        blocks = self._continue_list(split_blocks(self._tail[:end], self._env))
        if not blocks:
            return
        for block in blocks[:-1]:
            self._append_stable(block)
        last = blocks[-1]
        self._last_block = last
        self._tail = "\n".join(self._tail.split("\n")[last.start :])
        self._code_block = StreamingCodeBlock.from_block(rows, last, self._limit)
        if self._code_block:
            self._enter_code_block(self._code_block)

    def _append_stable(self, block: Block) -> None:
        first = not self._stable_lines
        self._stable_lines.extend(render_block(block, self._limit, self._env, first=first))

    def _enter_code_block(self, code: StreamingCodeBlock) -> None:
        """Continue line by line in a code block, whose lines so far are in the tail."""
        if self._stable_lines:
            self._stable_lines.append(())
        self._code_start = len(self._stable_lines)
        self._last_block = None
        self._tail = self._tail.partition("\n")[2]
        self._feed(code)

    def _feed(self, code: StreamingCodeBlock) -> None:
        """Add complete lines of the tail to the code block, up to the one that closes it."""
        *rows, partial = self._tail.split("\n")
        for index, row in enumerate(rows):
            if code.closes(row):
                self._tail = "\n".join([*rows[index + 1 :], partial])
                self._leave_code_block(code)
                return
            if code.add(row):
                self._recolour(code)
            else:
                self._stable_lines.extend(code.render_row(row))
        self._tail = partial
        self._open_lines = code.render_row(partial) if partial and not code.closes(partial) else []

    def _leave_code_block(self, code: StreamingCodeBlock) -> None:
        if not code.colours_final:
            self._recolour(code)
        self._code_block = None
        if "\n" in self._tail:
            self._stabilise()

    def _recolour(self, code: StreamingCodeBlock) -> None:
        self._stable_lines[self._code_start :] = code.render()
        self.recoloured += 1

    def _render_tail(self) -> None:
        blocks = self._continue_list(split_blocks(self._tail, dict(self._env)))
        if len(blocks) == 1 and blocks[0].tokens[0].type == "paragraph_open":
            paragraph = self._paragraph.lines(blocks[0].tokens[1].content, self._env)
            self._open_lines = [(), *paragraph] if self._stable_lines else paragraph
            return
        lines: list[Line] = []
        for block in blocks:
            first = not self._stable_lines and not lines
            lines.extend(render_block(block, self._limit, self._env, first=first))
        self._open_lines = lines

    def _continue_list(self, blocks: list[Block]) -> list[Block]:
        """Return blocks of the tail with the numbers of the list that the first one continues."""
        last = self._last_block
        if not blocks or last is None or not blocks[0].marker or blocks[0].marker != last.marker:
            return blocks
        continued: list[Block] = []
        number = last.number
        for index, block in enumerate(blocks):
            if index and not block.continues_list:
                return [*continued, *blocks[index:]]
            continues_list = last.continues_list if index == 0 else True
            continued.append(replace(block, number=number, continues_list=continues_list))
            number = None if number is None else number + 1
        return continued
