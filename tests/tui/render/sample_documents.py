"""Markdown documents for tests of rendering."""

from hypothesis import strategies as st

FULL_DOCUMENT = """# Title *here*

Some **bold _both_** text with `code` and [link](https://x.y/z) and https://a.b/c.
second line  
third

Setext
------

- one
- two
  - nested **x**
    1. deep

  para
- [ ] task
- [x] done
* other list

7. seven
8. eight

> quote with
> - list
> > nested
lazy

```python
def f(x):
    return x + 1  # note

```

| a | right | center |
|---|---:|:---:|
| 1 | 22 | some long text that needs to be wrapped in the narrow width |
| `x` | 日本 | ok |

---
![alt](http://img/x.png) ~~gone~~ <b>html</b>

    indented code
"""  # noqa: W291 - two spaces at the end of a line are a break

_FRAGMENTS = [
    "word ", "**b** ", "`c` ", "\n", "\n\n", "- ", "* ", "1. ", "2. ", "  - ", "> ", "# ", "---\n",
    "```\n", "```py\n", "~~~\n", "    ", "| a | b |\n", "|---|---|\n", "| 1 | 2 |\n", "==\n", "-",
    "日本", "x = 1\n", "[a](http://b.c) ", "<i>", "\\", "&amp;", "\t",
]  # fmt: skip

documents = st.lists(st.sampled_from(_FRAGMENTS), max_size=40).map("".join)


def long_fence(lines: int) -> str:
    """Return an answer of one open fenced code block with this number of lines."""
    return "```python\n" + "".join(f"    value_{i} = f({i}, 'text')  # n\n" for i in range(lines))
