"""Calls of the search, on a database that `large_database` has filled; see `statement_calls`."""

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from tests.support.database.databases import NOW
from tests.support.database.large_database import Kind, id_of
from tests.support.database.statement_calls import ACTOR, Call

from rustygpt_server.db import search
from rustygpt_server.db.database import Database


def _search(
    db: Database, *words: str, actor: UUID = ACTOR, prefix: bool = False, **conditions: Any
) -> Awaitable[Any]:
    terms = [search.SearchTerm(0, word, prefix) for word in words]
    where = search.SearchFilter(**conditions)
    return search.search_messages(db, actor, where, terms, None, 20, NOW)


SEARCHES: Final[dict[str, Call]] = {
    "search_messages for a word of all": lambda db, _: _search(db, "words"),
    "search_messages for a rare word": lambda db, s: _search(db, str(s.large_thread - 5)),
    "search_messages for no word of any": lambda db, _: _search(db, "zeppelin"),
    "search_messages for a prefix of all": lambda db, _: _search(db, "wor", prefix=True),
    "search_messages for words in order": lambda db, _: _search(db, "some words of it"),
    "search_messages for words never together": lambda db, _: _search(db, "words", "zeppelin"),
    "search_messages for rare words of a person": lambda db, _: _search(
        db, "5000", author="user3", has_code=True
    ),
    "search_messages of a person": lambda db, _: _search(db, author="user3"),
    "search_messages of a small conversation": lambda db, _: _search(
        db, "words", conversation_id=id_of(Kind.CONVERSATION, 5)
    ),
    "search_messages of a large thread": lambda db, s: _search(
        db, "words", root_id=s.message(0, 0)
    ),
    "search_messages that most others wrote": lambda db, _: _search(
        db, "words", actor=id_of(Kind.USER, 35)
    ),
    "search_messages that were written before": lambda db, s: _search(
        db, "words", before=NOW - timedelta(milliseconds=s.messages * 3 // 4)
    ),
}
