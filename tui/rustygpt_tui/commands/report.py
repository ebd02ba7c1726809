"""What `login` and its relatives print once somebody has signed in."""

from rustygpt_shared.models.users import Me, User
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands.base import CommandContext
from rustygpt_tui.commands.output import Cell
from rustygpt_tui.errors import UsageError


def report_signed_in(context: CommandContext, client: Client, me: Me) -> None:
    """Print who has signed in; raise UsageError when the session could not be saved."""
    context.out.record(me, user_fields(me.user))
    if client.session.unsaved:
        raise UsageError("The session is not saved, so the next command is not signed in.")
    context.out.note(f"You are signed in at {client.origin} as {me.user.username}.")


def user_fields(user: User) -> dict[str, Cell]:
    """Return what is printed of one's own account."""
    return {
        "User": user.username,
        "Name": user.display_name,
        "E-mail": user.email,
        "Roles": ", ".join(user.roles) or None,
        "ID": str(user.id),
    }
