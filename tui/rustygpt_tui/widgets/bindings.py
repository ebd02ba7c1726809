"""The table of keys made into Textual's bindings."""

from textual.binding import Binding, BindingType

from rustygpt_tui.keymap import keys_of


def bindings(scope: str) -> list[BindingType]:
    """The bindings of one place; each has its id, by which a keymap moves it."""
    return [
        Binding(key.keys, key.action, key.description, id=key.id, show=False)
        for key in keys_of(scope)
    ]
