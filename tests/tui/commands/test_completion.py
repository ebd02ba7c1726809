"""The command `completion`."""

import os
import subprocess
import sys

import pytest
from tests.support.clients.cli_runner import run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(shell: str) -> None:
    """The script calls the program; an unknown shell is an error of usage."""
    result = run("completion", shell)
    assert result.code == 0
    assert "_RUSTYGPT_COMPLETE" in result.out
    assert run("completion", "tcsh").code == 2


def test_command_names_are_completed() -> None:
    """The program returns the completions that bash asks for."""
    environ = {
        **os.environ,
        "_RUSTYGPT_COMPLETE": "bash_complete",
        "COMP_WORDS": "rustygpt conv",
        "COMP_CWORD": "1",
    }
    program = "from rustygpt_tui.cli import main; main()"
    process = subprocess.run(
        [sys.executable, "-c", program], check=False, env=environ, capture_output=True, text=True
    )
    assert process.stdout.splitlines() == ["plain,conversations", "plain,conv"]
