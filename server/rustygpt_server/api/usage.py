"""The route of usage: how many tokens were used, by whom, with which model, on which day."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import date
from typing import Final
from uuid import UUID

import msgspec
from sanic.request import Request

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.parameters import Parameter
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.db.usage import UsageFilter, UsagePosition
from rustygpt_server.errors import BadRequest
from rustygpt_shared import codec
from rustygpt_shared.models.assistant import UsageEntry, UsageReport

_EVERYONE: Final = "all"
_USER_MAX: Final = 64
_MODEL_MAX: Final = 512
_DAY: Final = {"type": "string", "format": "date"}
USER: Final = Parameter(
    "user",
    "The id or name of an account, or `all`; of others for administrators. Default: the caller.",
    {"type": "string", "maxLength": _USER_MAX},
    "ada",
)
SINCE: Final = Parameter("since", "The first day (UTC).", _DAY, "2026-01-01")
UNTIL: Final = Parameter("until", "The last day (UTC).", _DAY, "2026-12-31")


async def list_usage(context: RequestContext[None]) -> UsageReport:
    """List the tokens used per day (UTC), user and model, latest day first.

    With the caller's own budget of today, if there is one. Usage stays when conversations are
    deleted. It has no texts.
    """
    request = context.request
    limit = request_parsing.limit_param(request, 50, 200)
    user = request.args.get("user")
    if user and (len(user) > _USER_MAX or not user.isprintable()):
        raise BadRequest("user has to be the id or the name of an account, or `all`.")
    filters = UsageFilter(
        user=user or None,
        everyone=user == _EVERYONE,
        since=_day(request, "since"),
        until=_day(request, "until"),
    )
    actor = context.caller.user.id
    entries = await context.services.usage.list_usage(
        actor, filters, _read_cursor(request), limit + 1
    )
    cursor = _make_cursor(entries[limit - 1]) if len(entries) > limit else None
    budget = await context.services.usage.show_budget(actor)
    return UsageReport(entries[:limit], budget, cursor)


def _day(request: Request, name: str) -> date | None:
    text = request.args.get(name)
    if not text:
        return None
    try:
        return msgspec.convert(text, date)
    except msgspec.ValidationError:
        raise BadRequest(f"{name} has to be a day like 2026-01-31.") from None


def _make_cursor(last: UsageEntry) -> str:
    position = (last.day, last.user_id, last.model)
    return urlsafe_b64encode(codec.encode(position)).rstrip(b"=").decode()


def _read_cursor(request: Request) -> UsagePosition | None:
    """Return the query's cursor as the position of the last entry before the page, or None."""
    text = request.args.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        day, user_id, model = codec.decode(
            urlsafe_b64decode(padded.encode()), tuple[date, UUID, str]
        )
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise BadRequest(request_parsing.BAD_CURSOR) from None
    if len(model) > _MODEL_MAX or "\x00" in model:
        raise BadRequest(request_parsing.BAD_CURSOR)
    return day, user_id, model


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/usage",
        handler=list_usage,
        parameters=(USER, SINCE, UNTIL, parameters.CURSOR, parameters.limit(50, 200)),
        errors=(404,),
        response=UsageReport,
    ),
)
