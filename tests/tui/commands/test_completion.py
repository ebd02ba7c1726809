"""Scripts for shells."""

import os
import subprocess
import sys

import pytest
from tests.support.clients.cli_runner import run


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_its_script(shell: str) -> None:
    """It asks the program itself."""
    ran = run("completion", shell)
    assert ran.code == 0
    assert "_RUSTYGPT_COMPLETE" in ran.out
    assert run("completion", "tcsh").code == 2


def test_words_are_completed() -> None:
    """What bash would ask, and what it is told."""
    environ = {
        **os.environ,
        "_RUSTYGPT_COMPLETE": "bash_complete",
        "COMP_WORDS": "rustygpt conv",
        "COMP_CWORD": "1",
    }
    program = "from rustygpt_tui.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program], check=False, env=environ, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["plain,conversations", "plain,conv"]
