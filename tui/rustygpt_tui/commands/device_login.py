"""Signing in with a browser, for `login --device` and `login --github`."""

from rustygpt_shared.models.users import Me
from rustygpt_tui.client.invites import invite_token
from rustygpt_tui.client.sign_in import device_instructions, device_name
from rustygpt_tui.commands.base import CommandContext
from rustygpt_tui.commands.report import report_signed_in
from rustygpt_tui.errors import NotFound, ServerRejected


async def log_in_with_device(
    context: CommandContext, *, provider: str | None = None, invite: str | None = None
) -> None:
    """Show an address and a code, and wait until somebody has confirmed it there."""
    async with context.client() as client:
        token = invite_token(invite, client.origin) if invite else None
        try:
            code = await client.begin_device_login(device_name(), provider=provider)
        except NotFound as error:
            await client.check_sign_in_is_on()
            raise _not_offered(provider, client.origin, error) from None
        address, user_code = device_instructions(code)
        context.out.prompt(f"Open {address} in a browser, and enter the code {user_code}")
        context.out.note("Waiting until the code is confirmed; Ctrl-C stops.")
        login = await client.finish_device_login(
            code, account=context.account, provider=provider, invite_token=token
        )
        report_signed_in(context, client, Me(login.user, login.session))


def _not_offered(provider: str | None, origin: str, error: NotFound) -> ServerRejected:
    what = "GitHub" if provider else "a device"
    return ServerRejected(
        f"Nobody signs in by {what} at {origin}; use another way to sign in.",
        code=error.code,
        request_id=error.request_id,
    )
