"""Maps the style names of rendered lines to colours of the theme, by component classes."""

from collections.abc import Iterable

from rich.style import Style
from textual.widget import Widget

_PREFIX = "transcript--"
_NAMES = """
strong emphasis strike code link link.address heading h1 h2 h3 h4 h5 h6 quote quote.bar list.marker
rule table.head table.border code.block code.language code.keyword code.builtin code.name
code.string code.number code.operator code.comment code.deleted code.inserted author.own
author.assistant author.0 author.1 author.2 author.3 meta siblings live reasoning note error guide
day unread cursor selected selected.blurred fold pill empty
"""

COMPONENTS = {f"{_PREFIX}{name.replace('.', '-')}" for name in _NAMES.split()}

CSS = """
Transcript {
    background: $background;
    color: $foreground;
    overflow-x: hidden;
    overflow-y: scroll;
    scrollbar-size-vertical: 1;
    scrollbar-background: $background;
    scrollbar-background-hover: $background;
    scrollbar-background-active: $background;
    scrollbar-color: $foreground 15%;
    &:focus { scrollbar-color: $primary; }
    & > .transcript--strong { text-style: bold; }
    & > .transcript--emphasis { text-style: italic; }
    & > .transcript--strike { text-style: strike; }
    & > .transcript--code { color: $text-warning; background: $foreground 8%; }
    & > .transcript--link { color: $text-primary; text-style: underline; }
    & > .transcript--link-address { color: $foreground 50%; }
    & > .transcript--heading { text-style: bold; }
    & > .transcript--h1 { color: $text-primary; }
    & > .transcript--h2 { color: $text-primary; }
    & > .transcript--h3 { color: $text-secondary; }
    & > .transcript--h4 { color: $text-secondary; }
    & > .transcript--h5 { color: $text-secondary; }
    & > .transcript--h6 { color: $text-secondary; }
    & > .transcript--quote { color: $foreground 70%; }
    & > .transcript--quote-bar { color: $primary; }
    & > .transcript--list-marker { color: $primary; }
    & > .transcript--rule { color: $foreground 25%; }
    & > .transcript--table-head { text-style: bold; }
    & > .transcript--table-border { color: $foreground 30%; }
    & > .transcript--code-block { background: $foreground 6%; }
    & > .transcript--code-language { color: $foreground 45%; }
    & > .transcript--code-keyword { color: $text-accent; }
    & > .transcript--code-builtin { color: $text-secondary; }
    & > .transcript--code-name { color: $text-primary; text-style: bold; }
    & > .transcript--code-string { color: $text-success; }
    & > .transcript--code-number { color: $text-warning; }
    & > .transcript--code-operator { color: $foreground 70%; }
    & > .transcript--code-comment { color: $foreground 50%; text-style: italic; }
    & > .transcript--code-deleted { color: $text-error; }
    & > .transcript--code-inserted { color: $text-success; }
    & > .transcript--author-own { color: $text-primary; text-style: bold; }
    & > .transcript--author-assistant { color: $text-accent; text-style: bold; }
    & > .transcript--author-0 { color: $text-success; text-style: bold; }
    & > .transcript--author-1 { color: $text-warning; text-style: bold; }
    & > .transcript--author-2 { color: $text-secondary; text-style: bold; }
    & > .transcript--author-3 { color: $text-error; text-style: bold; }
    & > .transcript--meta { color: $foreground 45%; }
    & > .transcript--siblings { color: $foreground 70%; }
    & > .transcript--live { color: $text-success; }
    & > .transcript--reasoning { color: $foreground 55%; }
    & > .transcript--note { color: $foreground 55%; text-style: italic; }
    & > .transcript--error { color: $text-error; }
    & > .transcript--guide { color: $foreground 20%; }
    & > .transcript--day { color: $foreground 40%; }
    & > .transcript--unread { color: $text-error; text-style: bold; }
    & > .transcript--cursor { color: $accent; }
    & > .transcript--selected { color: $primary; }
    & > .transcript--selected-blurred { color: $foreground 25%; }
    & > .transcript--fold { color: $text-warning; }
    & > .transcript--pill { color: $background; background: $primary; text-style: bold; }
    & > .transcript--empty { color: $foreground 50%; }
}
"""


class StyleCache:
    """Rich styles of one widget by style names; it must be discarded when the theme changes."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._base = widget.rich_style
        self._cached: dict[str, Style] = {"": self._base}

    @property
    def base(self) -> Style:
        """The style of text without a style name."""
        return self._base

    def style(self, names: str) -> Style:
        """Return the style of names separated by spaces; later names override earlier ones."""
        style = self._cached.get(names)
        if style is None:
            style = Style.combine([self._base, *self._parts(names.split())])
            self._cached[names] = style
        return style

    def _parts(self, names: Iterable[str]) -> Iterable[Style]:
        for name in names:
            component = f"{_PREFIX}{name.replace('.', '-')}"
            if component not in COMPONENTS:
                continue
            rules = self._widget.get_component_styles(component)
            full_style = self._widget.get_component_rich_style(component)
            color = full_style.color if rules.has_rule("color") else None
            background = full_style.bgcolor if rules.has_rule("background") else None
            yield Style(color=color, bgcolor=background) + rules.text_style
