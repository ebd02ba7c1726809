"""The names of accounts that are older than a rule for names: they stay, with a warning.

New names are checked when they are stored; see `names`.
"""

from typing import Final

from rustygpt_server.db import accounts
from rustygpt_server.db.database import Database
from rustygpt_server.services import names
from rustygpt_server.telemetry import log

_PAGE: Final = 500
_NAMED: Final = 20
_log = log(__name__)


async def warn_of_broken_names(db: Database) -> None:
    """Store what is missing of existing names, and log the accounts whose names break the rule."""
    while users := await accounts.list_unclaimed_names(db, _PAGE):
        for user in users:
            display_skeletons = names.skeletons(user.display_name) if user.display_name else []
            await accounts.store_skeletons(
                db, user.id, names.skeletons(user.username), display_skeletons
            )
    broken = await accounts.list_broken_names(db, names.reserved_skeletons(), _NAMED + 1)
    if broken:
        _log.warning(
            "names of accounts may be taken for others, or are not allowed any more; they go on "
            "working, and a new account gets no such name",
            accounts=broken[:_NAMED],
            more=len(broken) > _NAMED,
        )
