"""A call of every statement about usage, on a database that `large_database` has filled."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final

from tests.support.database.databases import NOW
from tests.support.database.large_database import ANSWERED, Kind, id_of
from tests.support.database.statement_calls import ACTOR, PAGE, Call

from rustygpt_server.db import usage
from rustygpt_server.db.database import Database
from rustygpt_shared.models.messages import Usage


def _list_usage(
    db: Database, after: usage.UsagePosition | None = None, **filters: Any
) -> Awaitable[Any]:
    return usage.list_usage(db, ACTOR, usage.UsageFilter(**filters), after, PAGE)


USAGE: Final[dict[str, Call]] = {
    "list_usage": lambda db, _: _list_usage(db),
    "list_usage of all": lambda db, _: _list_usage(db, everyone=True),
    "list_usage of all after one": lambda db, s: _list_usage(
        db, (NOW.date() - timedelta(days=1), id_of(Kind.USER, s.users // 2), "demo"), everyone=True
    ),
    "list_usage of a user since a day": lambda db, _: _list_usage(
        db, user="user5", since=NOW.date()
    ),
    "record_usage": lambda db, _: usage.record_usage(db, ACTOR, "demo", Usage(1, 2, 3), NOW),
    "authorize_completion": lambda db, _: usage.authorize_completion(db, ACTOR, NOW),
    "show_tokens_used": lambda db, _: usage.show_tokens_used(db, ACTOR, NOW),
    "tokens_used_by_asker": lambda db, s: usage.tokens_used_by_asker(
        db, s.message(ANSWERED, 1), NOW
    ),
}
