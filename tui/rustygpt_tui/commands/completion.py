"""The command `completion`: the script that makes a shell complete this program's commands."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from rustygpt_tui.commands.base import CommandContext, command

PROGRAM = "rustygpt"
VARIABLE = "_RUSTYGPT_COMPLETE"
SHELLS: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@command("completion", json=False)
@click.argument("shell", type=click.Choice(list(SHELLS)))
async def completion(context: CommandContext, shell: str) -> None:
    """Print the completion script of a shell.

    For bash, put this into ~/.bashrc: eval "$(rustygpt completion bash)"
    """
    complete = SHELLS[shell](click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE)
    context.out.text(complete.source_template % complete.source_vars() + "\n")
