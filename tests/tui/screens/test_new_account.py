"""Making an account for somebody; `test_people` goes the whole way."""

from rustygpt_shared import text_rules
from rustygpt_tui.screens.new_account import generate_password


def test_first_passwords_are_good_and_can_be_read_aloud() -> None:
    """They fit, they differ, and no letter is taken for another."""
    made = {generate_password() for _ in range(200)}

    assert len(made) == 200
    assert all(text_rules.password(password) == password for password in made)
    assert not set("".join(made)) & set("il1o0")
