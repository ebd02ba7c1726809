"""The table of keys, and how people move them."""

from pathlib import Path

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.app_driver import in_conversation
from textual.binding import Binding

from rustygpt_tui.keymap import KEYS, Keymap, clashes, load_keymap, validate
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.widgets.bindings import bindings


def test_the_keys_as_they_come_clash_with_nothing() -> None:
    """Ids are unique, and no key does two things in one place."""
    assert len({key.id for key in KEYS}) == len(KEYS)
    assert clashes(Keymap()) == []


def test_every_binding_has_an_id() -> None:
    """What is bound can be moved."""
    bound = [b for b in MainScreen.BINDINGS if isinstance(b, Binding)]

    assert len(bound) == len(bindings("anywhere"))
    assert all(binding.id for binding in bound)


def test_a_file_moves_keys_and_its_mistakes_are_named(tmp_path: Path) -> None:
    """Clashes, unknown names and keys terminals do not send are each said."""
    (tmp_path / "keymap.toml").write_text(
        '[keys]\n"rg.reply" = "y"\n"rg.nothing" = "q"\n"rg.send" = "ctrl+m"\n"rg.copy" = ""\n'
    )
    keymap = load_keymap(tmp_path)

    assert keymap.overrides["rg.reply"] == "y"
    said = " ".join(keymap.errors)
    assert "y is both rg.reply and rg.copy" in said
    assert "no key 'rg.nothing'" in said
    assert "rg.send is on ctrl+m" in said
    assert "rg.copy needs a key" in said


def test_a_broken_file_moves_nothing(tmp_path: Path) -> None:
    """It is said that the file cannot be read; a missing one is no mistake."""
    assert load_keymap(tmp_path) == Keymap()
    (tmp_path / "keymap.toml").write_text("[keys")
    assert "cannot be read" in load_keymap(tmp_path).errors[0]
    assert validate(["a"]) == Keymap({}, ())


async def test_a_moved_key_works_and_help_tells_it(tmp_path: Path) -> None:
    """The new key does it, the old one does not, and the help screen shows the new one."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "keymap.toml").write_text('[keys]\n"rg.rename" = "ctrl+t"\n')
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f3")
        assert "Rename the conversation" not in driver.text()
        await driver.pilot.press("ctrl+t")
        await driver.until("Rename the conversation")
        await driver.pilot.press("escape", "f1")
        await driver.until("ctrl+t")
