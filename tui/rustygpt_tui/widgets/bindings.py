"""Converts the table of keys to Textual bindings."""

from textual.binding import Binding, BindingType

from rustygpt_tui.keymap import keys_of


def bindings(scope: str) -> list[BindingType]:
    """Return the bindings of one scope; a keymap changes their keys by id."""
    return [
        Binding(key.keys, key.action, key.description, id=key.id, show=False)
        for key in keys_of(scope)
    ]
