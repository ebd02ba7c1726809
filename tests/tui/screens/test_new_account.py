"""The generated password of a new account; `test_people` covers the dialog."""

from rustygpt_shared import text_rules
from rustygpt_tui.screens.new_account import generate_password


def test_generated_passwords_are_valid_and_readable() -> None:
    """They satisfy the rules, differ, and have no characters that look alike."""
    passwords = {generate_password() for _ in range(200)}

    assert len(passwords) == 200
    assert all(text_rules.password(password) == password for password in passwords)
    assert not set("".join(passwords)) & set("il1o0")
