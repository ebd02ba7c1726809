"""Procedures that raise an SQLSTATE while a test needs them to."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

DISK_FULL = "53100"
"""An SQLSTATE of a temporary failure: the database is unavailable."""
DIVISION_BY_ZERO = "22012"
"""An SQLSTATE that the server treats as a programming error."""

_DEFINITION = """
SELECT pg_get_functiondef(oid) FROM pg_proc
WHERE proname = $1 AND pronamespace = 'rustygpt'::regnamespace
"""


@asynccontextmanager
async def failing_procedure(superuser: Any, name: str, sqlstate: str) -> AsyncIterator[None]:
    """Let a procedure raise an SQLSTATE within the block, and restore it afterwards."""
    definition: str = await superuser.fetchval(_DEFINITION, name)
    head = re.sub(r"LANGUAGE \w+", "LANGUAGE plpgsql", definition.partition("\nAS $")[0])
    body = f"BEGIN RAISE SQLSTATE '{sqlstate}' USING MESSAGE = 'broken by a test'; END"
    await superuser.execute(f"{head}\nAS $test${body}$test$")
    try:
        yield
    finally:
        await superuser.execute(definition)
