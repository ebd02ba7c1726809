"""The table of keys and the user's changes to it."""

from pathlib import Path

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.app_driver import in_conversation
from textual.binding import Binding

from rustygpt_tui.keymap import KEYS, Keymap, clashes, load_keymap, validate
from rustygpt_tui.screens.help import key_label
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.widgets.bindings import bindings


def test_the_default_keys_do_not_clash() -> None:
    """Ids are unique, and no key has two commands in one scope."""
    assert len({key.id for key in KEYS}) == len(KEYS)
    assert clashes(Keymap()) == []


def test_every_binding_has_an_id() -> None:
    """Every key can be changed by its id."""
    bound = [b for b in MainScreen.BINDINGS if isinstance(b, Binding)]

    assert len(bound) == len(bindings("anywhere"))
    assert all(binding.id for binding in bound)


def test_a_file_changes_keys_and_its_errors_are_reported(tmp_path: Path) -> None:
    """Clashes, unknown ids and keys that terminals do not send are reported."""
    (tmp_path / "keymap.toml").write_text(
        '[keys]\n"rg.reply" = "y"\n"rg.nothing" = "q"\n"rg.send" = "ctrl+m"\n"rg.copy" = ""\n'
    )
    keymap = load_keymap(tmp_path)

    assert keymap.overrides["rg.reply"] == "y"
    errors = " ".join(keymap.errors)
    assert "y is both rg.reply and rg.copy" in errors
    assert "no key 'rg.nothing'" in errors
    assert "rg.send is on ctrl+m" in errors
    assert "rg.copy needs a key" in errors


def test_an_invalid_file_changes_nothing(tmp_path: Path) -> None:
    """An unreadable file is reported; a missing one is no error."""
    assert load_keymap(tmp_path) == Keymap()
    (tmp_path / "keymap.toml").write_text("[keys")
    assert "cannot be read" in load_keymap(tmp_path).errors[0]
    assert validate(["a"]) == Keymap({}, ())


def test_the_help_names_keys_by_what_is_printed_on_them() -> None:
    """Such as `/` and `[`, not by the names that a keymap file has."""
    labels = {key_label(part) for key in KEYS for part in key.keys.split(",")}

    assert {"/", "[", "]", "?", "ctrl+p"} <= labels
    assert not [label for label in labels if "_" in label]


async def test_a_changed_key_works_and_is_on_the_help_screen(tmp_path: Path) -> None:
    """The new key runs the command, the old one does not."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "keymap.toml").write_text('[keys]\n"rg.rename" = "ctrl+t"\n')
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f3")
        assert "Rename the conversation" not in driver.text()
        await driver.pilot.press("ctrl+t")
        await driver.until("Rename the conversation")
        await driver.pilot.press("escape", "f1")
        await driver.until("ctrl+t")
