"""The route of usage: how many tokens were used, by whom, with which model, on which day."""

from typing import Final

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.parameters import Parameter
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.db.usage import UsageFilter
from rustygpt_server.errors import BadRequest
from rustygpt_shared.models.assistant import UsageReport

_EVERYONE: Final = "all"
_USER_MAX: Final = 64
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
        since=request_parsing.day_param(request, "since"),
        until=request_parsing.day_param(request, "until"),
    )
    actor = context.caller.user.id
    after = request_parsing.read_usage_cursor(request)
    entries = await context.services.usage.list_usage(actor, filters, after, limit + 1)
    last = entries[limit - 1] if len(entries) > limit else None
    cursor = request_parsing.make_usage_cursor(last.day, last.user_id, last.model) if last else None
    budget = await context.services.usage.show_budget(actor)
    return UsageReport(entries[:limit], budget, cursor)


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
