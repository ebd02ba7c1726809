"""The commands `admin limits`: profiles of rate limits and their routes, for administrators."""

import click
from msgspec import UNSET, UnsetType

from rustygpt_shared.models.rate_limits import LimitAssignment, LimitProfile
from rustygpt_shared.requests import (
    CreateLimitAssignment,
    CreateLimitProfile,
    LimitRate,
    UpdateLimitProfile,
)
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.output import Columns
from rustygpt_tui.commands.resolve import select_one
from rustygpt_tui.errors import UsageError

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "*")
RATE = click.FloatRange(1e-5, 1e6)
BURST = click.IntRange(1, 1_000_000)

PROFILES: Columns[LimitProfile] = {
    "ID": lambda p: str(p.id),
    "NAME": lambda p: p.name,
    "PER SECOND": lambda p: f"{p.params.requests_per_second:.5g}",
    "BURST": lambda p: p.params.burst,
    "DESCRIPTION": lambda p: p.description,
}
ASSIGNMENTS: Columns[LimitAssignment] = {
    "ID": lambda a: str(a.id),
    "METHOD": lambda a: a.method,
    "PATH": lambda a: a.path_pattern,
    "PROFILE": lambda a: a.profile_name,
}


@command("list")
async def list_profiles(context: CommandContext) -> None:
    """List the profiles, by name."""
    async with context.client() as client:
        context.out.rows(await client.list_limit_profiles(), PROFILES)


@command("create")
@click.argument("name")
@click.option("--rps", type=RATE, required=True, help="Requests per second in the long run.")
@click.option("--burst", type=BURST, required=True, help="Requests that are accepted at once.")
@click.option("--description", help="What the profile is for.")
async def create_profile(
    context: CommandContext, name: str, rps: float, burst: int, description: str | None
) -> None:
    """Create a profile."""
    rate = build_request(LimitRate, requests_per_second=rps, burst=burst)
    request = build_request(CreateLimitProfile, name=name, params=rate, description=description)
    async with context.client() as client:
        _print_profile(context, await client.create_limit_profile(request))


@command("update")
@click.argument("profile", metavar="P")
@click.option("--rps", type=RATE, help="Requests per second in the long run.")
@click.option("--burst", type=BURST, help="Requests that are accepted at once.")
@click.option("--from-settings", is_flag=True, help="Follow the server's settings again.")
@click.option("--description", help="What the profile is for; an empty one is removed.")
async def update_profile(
    context: CommandContext,
    profile: str,
    *,
    rps: float | None,
    burst: int | None,
    from_settings: bool,
    description: str | None,
) -> None:
    """Change the rate or the description of a profile; what is not given stays as it is."""
    has_rate = rps is not None or burst is not None
    if from_settings and has_rate:
        raise UsageError("--from-settings takes the rate of the settings; leave out the others.")
    if not (has_rate or from_settings or description is not None):
        raise UsageError("Nothing is to be changed; give --rps, --burst or --description.")
    async with context.client() as client:
        found = await _profile(client, profile)
        params: LimitRate | UnsetType | None = None if from_settings else UNSET
        if has_rate:
            params = build_request(
                LimitRate,
                requests_per_second=found.params.requests_per_second if rps is None else rps,
                burst=found.params.burst if burst is None else burst,
            )
        changes = build_request(
            UpdateLimitProfile,
            params=params,
            description=UNSET if description is None else description or None,
        )
        _print_profile(context, await client.update_limit_profile(found.id, changes))


@command("delete", json=False)
@click.argument("profile", metavar="P")
async def delete_profile(context: CommandContext, profile: str) -> None:
    """Delete a profile that is not assigned to routes."""
    async with context.client() as client:
        await client.delete_limit_profile((await _profile(client, profile)).id)


@command("list")
async def list_assignments(context: CommandContext) -> None:
    """List which profiles limit which routes, by pattern."""
    async with context.client() as client:
        context.out.rows(await client.list_limit_assignments(), ASSIGNMENTS)


@command("create")
@click.argument("profile", metavar="P")
@click.argument("method", metavar="METHOD", type=click.Choice(METHODS, case_sensitive=False))
@click.argument("path", metavar="PATTERN")
async def create_assignment(context: CommandContext, profile: str, method: str, path: str) -> None:
    """Let a profile limit the routes that a pattern matches.

    PATTERN is a path whose segments are literal, {name} or :name; a last segment * is any end. The
    METHOD * is every method. An assignment of the same method and pattern is replaced.
    """
    async with context.client() as client:
        found = await _profile(client, profile)
        request = build_request(
            CreateLimitAssignment, profile_id=found.id, method=method.upper(), path=path
        )
        assignment = await client.create_limit_assignment(request)
        context.out.record(
            assignment,
            {
                "Profile": assignment.profile_name,
                "Routes": f"{assignment.method} {assignment.path_pattern}",
                "ID": str(assignment.id),
            },
        )


@command("delete", json=False)
@click.argument("assignment", metavar="A")
async def delete_assignment(context: CommandContext, assignment: str) -> None:
    """Delete an assignment, by its id, or by `METHOD PATTERN` in one argument."""
    async with context.client() as client:
        found = select_one(
            await client.list_limit_assignments(),
            assignment,
            "assignment",
            lambda a: a.id,
            lambda a: [f"{a.method} {a.path_pattern}"],
        )
        await client.delete_limit_assignment(found.id)


async def _profile(client: Client, text: str) -> LimitProfile:
    """Return a profile, by name, id or beginning of an id."""
    listed = await client.list_limit_profiles()
    return select_one(listed, text, "profile", lambda p: p.id, lambda p: [p.name])


def _print_profile(context: CommandContext, profile: LimitProfile) -> None:
    context.out.record(
        profile,
        {
            "Profile": profile.name,
            "Rate": f"{profile.params.requests_per_second:.5g} per second",
            "Burst": profile.params.burst,
            "For": profile.description,
            "ID": str(profile.id),
        },
    )
