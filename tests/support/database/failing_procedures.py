"""Procedures that raise an SQLSTATE for as long as a test wants them to."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

DISK_FULL = "53100"
"""One of the states that mean: unavailable, try again later."""
DIVISION_BY_ZERO = "22012"
"""A defect of the program, as far as the server knows."""

_DEFINITION = """
SELECT pg_get_functiondef(oid) FROM pg_proc
WHERE proname = $1 AND pronamespace = 'rustygpt'::regnamespace
"""


@asynccontextmanager
async def failing_procedure(superuser: Any, name: str, sqlstate: str) -> AsyncIterator[None]:
    """Replace a procedure's body by one that raises a state; restore it in the end."""
    definition: str = await superuser.fetchval(_DEFINITION, name)
    head = re.sub(r"LANGUAGE \w+", "LANGUAGE plpgsql", definition.partition("\nAS $")[0])
    body = f"BEGIN RAISE SQLSTATE '{sqlstate}' USING MESSAGE = 'broken by a test'; END"
    await superuser.execute(f"{head}\nAS $test${body}$test$")
    try:
        yield
    finally:
        await superuser.execute(definition)
