"""The procedures in sql/procedures/search: what is found, by whom, and in which order."""

from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import INSTANCE_ID, DatabaseBuilder
from tests.support.database.searching import find, find_page, index, language

from rustygpt_server.db import answers, conversations, messages, participants, search
from rustygpt_server.errors import NotFound, ValidationFailed
from rustygpt_shared.requests import EditMessage, UpdateConversation


async def _texts(builder: DatabaseBuilder, *texts: str) -> tuple[UUID, UUID]:
    """A user and a conversation with these texts, each a second later than the one before."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    for text in texts:
        builder.advance_time()
        await builder.post(ada, conversation_id, text)
    await index(builder)
    return ada, conversation_id


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("run ", ["Two dogs were running."]),
        ("the ", ["The owner of self.hub"]),
        ("the dogs ", ["Two dogs were running."]),
        ('"dogs were"', ["Two dogs were running."]),
        ('"were dogs"', []),
        ("hub ", ["The owner of self.hub"]),
        ("self.hub ", ["The owner of self.hub"]),
        ("<b>", ["a <b>tag</b>"]),
        ("own", ["The owner of self.hub"]),
        ("owne ", []),
        ("owne* of ", ["The owner of self.hub"]),
        ("dogs OR tag ", ["a <b>tag</b>", "Two dogs were running."]),
        ("th* -the ", []),
        ("привет ", ["«Привет», мир"]),
        ("cafe ", ["Cafés in Zürich, мой"]),
        ("Cafés zuri", ["Cafés in Zürich, мой"]),
        ("мои ", []),
        ("МИР ", ["«Привет», мир"]),
        ("京都 ", ["東京都の猫は"]),
        ("猫", ["東京都の猫は"]),
        ("都東", []),
        ("東京 猫 ", ["東京都の猫は"]),
        ("-dogs from:ada ow* OR tag ", ["a <b>tag</b>", "The owner of self.hub"]),
    ],
)
async def test_words_are_found(builder: DatabaseBuilder, query: str, found: list[str]) -> None:
    """With their endings, as parts of code, in any script, without accents, and as beginnings."""
    ada, _ = await _texts(
        builder,
        "Two dogs were running.",
        "The owner of self.hub",
        "«Привет», мир",
        "東京都の猫は",
        "a <b>tag</b>",
        "Cafés in Zürich, мой",
    )

    assert await find(builder, ada, query) == found


async def test_filters_narrow_a_search(builder: DatabaseBuilder) -> None:
    """By conversation, author, code, and day; also without any word."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    first, second = await builder.conversation(ada, bob), await builder.conversation(ada)
    await conversations.update_conversation(
        builder.db, ada, second, UpdateConversation("Other place"), builder.now
    )
    await builder.post(ada, first, "word by ada")
    builder.advance_time(24 * 3600)
    await builder.post(bob, first, "word by bob: `x = 1`")
    builder.advance_time(24 * 3600)
    await builder.post(ada, second, "word elsewhere")
    await index(builder)
    queries = {
        "from:BOB": ["word by bob: `x = 1`"],
        "word from:@ada": ["word elsewhere", "word by ada"],
        'in:"other PLACE" word': ["word elsewhere"],
        f"in:{first} has:code": ["word by bob: `x = 1`"],
        "word before:2026-05-05": ["word by ada"],
        "word after:2026-05-05": ["word elsewhere"],
        "word after:2026-05-04 before:2026-05-06": ["word by bob: `x = 1`"],
        "from:assistant": [],
    }

    assert {query: await find(builder, ada, query) for query in queries} == queries


async def test_unknown_names_are_refused(builder: DatabaseBuilder) -> None:
    """A title of others is as unknown as one that does not exist; an id of others is 404."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    hidden = await builder.conversation(ada)
    await builder.conversation(eve)
    await conversations.update_conversation(
        builder.db, ada, hidden, UpdateConversation("Hidden"), builder.now
    )
    for query, sentence in {
        "in:Hidden x": 'You are in no conversation with the title "Hidden"',
        "in:Nothing x": 'You are in no conversation with the title "Nothing"',
        "from:nobody x": 'There is no user with the name "nobody"',
    }.items():
        with pytest.raises(ValidationFailed, match=sentence):
            await find(builder, eve, query)
    for conversation_id in (hidden, builder.id()):
        with pytest.raises(NotFound, match="There is no such conversation, or you are not in it"):
            await find(builder, eve, f"in:{conversation_id} x")


async def test_only_members_find_messages(builder: DatabaseBuilder) -> None:
    """From joining to leaving; no account, no hit."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada)
    await builder.post(ada, conversation_id, "secret word")
    await index(builder)
    found = [await find(builder, bob, "secret")]
    await participants.add_participant(builder.db, ada, conversation_id, bob, "viewer", builder.now)
    found.append(await find(builder, bob, "secret"))
    await participants.remove_participant(builder.db, ada, conversation_id, bob, builder.now)
    found.append(await find(builder, bob, "secret"))

    assert found == [[], ["secret word"], []]
    assert await find(builder, builder.id(), "secret") == []


async def test_a_message_is_found_by_its_present_text(builder: DatabaseBuilder) -> None:
    """An earlier text is not found from the edit on, a deleted one not until it is restored."""
    ada, conversation_id = await _texts(builder)
    posted = (await builder.post(ada, conversation_id, "first words")).posted
    await index(builder)
    edit = EditMessage("second words")
    await messages.edit_message(builder.db, ada, posted.message_id, edit, builder.now)
    assert await find(builder, ada, "words") == []
    await index(builder)
    assert await find(builder, ada, "first") == []
    assert await find(builder, ada, "second") == ["second words"]
    await messages.delete_message(builder.db, ada, posted.message_id, None, builder.now)
    assert await find(builder, ada, "second") == await find(builder, ada, "from:ada") == []
    await messages.restore_message(builder.db, ada, posted.message_id, builder.now)
    await index(builder)
    assert await find(builder, ada, "second") == ["second words"]


async def test_a_text_that_was_deleted_before_it_was_indexed_is_not_found(
    builder: DatabaseBuilder,
) -> None:
    """The index reads the message when it writes its words."""
    ada, conversation_id = await _texts(builder)
    posted = (await builder.post(ada, conversation_id, "short-lived")).posted
    await messages.delete_message(builder.db, ada, posted.message_id, None, builder.now)

    assert await index(builder) == 1
    assert await find(builder, ada, "short-lived") == []


async def test_a_message_that_is_being_changed_is_indexed_afterwards(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Nobody waits for the transaction that holds its row; the others are indexed meanwhile."""
    ada, conversation_id = await _texts(builder)
    busy = (await builder.post(ada, conversation_id, "busy words")).posted.message_id
    await builder.post(ada, conversation_id, "other words")
    async with superuser.transaction():
        await superuser.execute(
            "UPDATE rustygpt.messages SET content = 'new words' WHERE id = $1", busy
        )
        assert await index(builder) == 1
        assert await find(builder, ada, "words") == ["other words"]
    await index(builder)

    assert await find(builder, ada, "words") == ["other words", "new words"]


async def test_an_answer_is_found_when_it_is_finished(builder: DatabaseBuilder) -> None:
    """Not by what of it is stored before."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    answer = (await builder.post(ada, conversation_id, "question")).answer
    assert answer is not None
    answer_id = answer.message_id
    await answers.append_chunks(builder.db, answer_id, INSTANCE_ID, 0, ["zep"], builder.now)
    await index(builder)
    assert await find(builder, ada, "from:assistant") == []
    result = answers.AnswerResult("zeppelin", "stop")
    await answers.finish_answer(builder.db, answer_id, INSTANCE_ID, result, builder.now)
    await index(builder)

    assert await find(builder, ada, "zeppelin from:assistant") == ["zeppelin"]


async def test_a_deleted_conversation_leaves_no_words(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Nothing is found at once, and the purge deletes the rows."""
    ada, conversation_id = await _texts(builder, "some words")
    await builder.post(ada, conversation_id, "unindexed words")
    await conversations.delete_conversation(builder.db, ada, conversation_id, builder.now)
    assert await find(builder, ada, "words") == []
    while await conversations.purge_conversations(builder.db, 1):
        pass
    await index(builder)

    for table in ("search_documents", "search_queue"):
        assert await superuser.fetchval(f"SELECT count(*) FROM rustygpt.{table}") == 0


async def test_a_page_does_not_move_when_messages_come(builder: DatabaseBuilder) -> None:
    """The cursor is a position: no hit is repeated, none is left out."""
    texts = [f"word {n}" for n in range(7)]
    ada, conversation_id = await _texts(builder, *texts)
    first = await find_page(builder, ada, "word ", limit=3)
    await builder.post(ada, conversation_id, "word of later")
    await index(builder)
    second = await find_page(builder, ada, "word ", limit=3, after=first)
    third = await find_page(builder, ada, "word ", limit=3, after=second)
    pages = [
        [message.content for _, _, message in page.messages] for page in (first, second, third)
    ]

    assert pages == [["word 6", "word 5", "word 4"], ["word 3", "word 2", "word 1"], ["word 0"]]
    assert third.next is None


async def test_messages_of_all_times_are_found_in_order(builder: DatabaseBuilder) -> None:
    """Of one moment, of seconds, hours, days and years before; page by page."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    gaps = [0, 0, 1, 10, 500, 50_000, 3_000_000, 100_000_000, 400_000_000, 0, 1]
    for number, gap in enumerate(gaps):
        builder.advance_time(gap)
        await builder.post(ada, conversation_id, f"word {number} {'rare' if number < 2 else ''}")
    await index(builder)
    found: list[int] = []
    page: search.FoundMessages | None = None
    while page is None or page.next:
        page = await find_page(builder, ada, "word ", after=page, limit=2)
        found += [int(message.content.split()[1]) for _, _, message in page.messages]

    assert found[-2:] in ([1, 0], [0, 1])  # of one moment
    assert sorted(found, reverse=True)[:9] == [10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert len(found) == len(gaps)
    assert len(await find(builder, ada, "rare ")) == 2


async def test_a_page_ends_at_one_mebibyte(builder: DatabaseBuilder) -> None:
    """It has one message at least, and the next page goes on."""
    long = "word " + "é" * 65_000
    ada, _ = await _texts(builder, *[long] * 12)
    page = await find_page(builder, ada, "word ", limit=100)

    assert 0 < len(page.messages) < 12
    assert len(await find(builder, ada, "word ")) == 12


LONG_TEXTS = {
    "pairs of rare letters": "".join(chr(0x20000 + n % 42_000) for n in range(65_536)),
    "short words of all scripts": " ".join(
        chr(0x4E00 + n % 20_000) + "x" * (n % 3) for n in range(21_000)
    ),
    "many words": " ".join(f"w{n}" for n in range(9_500)),
    "accents": " ".join(f"é{n}ü" for n in range(9_000)),
    "marks": "e\u0301\u0302" * 21_000,
    "one word": "x" * 65_536,
    "ligatures": "\ufdfa" * 65_536,
    "operators": "' \\ : & | ! <-> :* \x01\x1b[31m" * 2_000,
}


@pytest.mark.parametrize("name", LONG_TEXTS)
async def test_the_longest_texts_are_indexed(builder: DatabaseBuilder, name: str) -> None:
    """No text makes the index refuse it, and other messages behind it are indexed."""
    ada, conversation_id = await _texts(builder, LONG_TEXTS[name])
    await builder.post(ada, conversation_id, "afterwards")
    await index(builder)

    assert await find(builder, ada, "afterwards") == ["afterwards"]


async def test_another_language_indexes_everything_again(builder: DatabaseBuilder) -> None:
    """In batches; until then the search says that it is not complete."""
    ada, _ = await _texts(builder, "die Häuser", "the houses")
    assert await find(builder, ada, "haus ") == []
    async with language(builder, "german"):
        assert await find(builder, ada, "haus ") == ["die Häuser"]
        await search.set_search_language(builder.db, "simple")
        page = await find_page(builder, ada, "houses ")
        assert not page.complete
        assert await search.fill_search(builder.db, 1) == 1
        assert await index(builder)
        assert await find(builder, ada, "house ") == []
        assert (await find_page(builder, ada, "houses ")).complete
    assert await find(builder, ada, "house ") == ["the houses"]


async def test_an_unknown_language_is_refused(builder: DatabaseBuilder) -> None:
    """With those that there are."""
    with pytest.raises(ValidationFailed, match='"klingon"; it has: .*english.*simple'):
        await search.set_search_language(builder.db, "klingon")


async def test_a_search_says_that_many_messages_are_not_indexed_yet(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """As after an import: nobody takes what is not found yet for what is not there."""
    ada, _ = await _texts(builder, "word")
    await superuser.execute(
        "INSERT INTO rustygpt.search_queue (message_id) "
        "SELECT gen_random_uuid() FROM generate_series(1, 201)"
    )
    complete = [(await find_page(builder, ada, "word")).complete]
    await search.fill_search(builder.db, 1)
    complete.append((await find_page(builder, ada, "word")).complete)
    await index(builder)

    assert complete == [False, True]


@pytest.mark.parametrize("day", ["0001-01-01", "0002-01-01", "1969-12-31", "1970-01-02"])
async def test_nothing_is_found_before_there_were_messages(
    builder: DatabaseBuilder, day: str
) -> None:
    """The first day of all is -infinity for PostgreSQL."""
    ada, _ = await _texts(builder, "word")

    assert await find(builder, ada, f"word before:{day}") == []


async def test_a_search_in_many_conversations_says_that_it_is_bounded(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """It looks at the 200 with the latest activity; the name of another one finds the rest."""
    ada, oldest = await _texts(builder, "word in the oldest")
    builder.advance_time()
    for number in range(33):
        other = await builder.conversation(ada)
        await builder.post(ada, other, f"word {number}")
    await index(builder)
    assert len(await find(builder, ada, "word ")) == 34
    await superuser.execute(
        "INSERT INTO rustygpt.conversations (id, title, is_group, assistant_mode, created_by, "
        "created_at, last_activity_at) SELECT gen_random_uuid(), 'x', false, 'off', $1, $2, $2 "
        "FROM generate_series(1, 170)",
        ada,
        builder.now,
    )
    await superuser.execute(
        "INSERT INTO rustygpt.participants (conversation_id, user_id, role, joined_at, "
        "joined_at_event) SELECT id, $1, 'owner', $2, 0 FROM rustygpt.conversations "
        "WHERE title = 'x'",
        ada,
        builder.now,
    )
    page = await find_page(builder, ada, "oldest ")

    assert (page.messages, page.complete) == ([], False)
    assert await find(builder, ada, "oldest ", oldest) == ["word in the oldest"]


async def test_what_one_request_looks_at_is_bounded(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Of 15,000 messages with a word, none of them the caller's, each page reads a part."""
    ada, _ = await _texts(builder, "oldest word of ada")
    await superuser.execute(
        "INSERT INTO rustygpt.search_documents SELECT gen_random_uuid(), gen_random_uuid(), m, "
        "ARRAY(SELECT rustygpt.search_window(l, rustygpt.search_microseconds(m)) "
        "FROM generate_series(0, 4) AS l), 'word' "
        "FROM generate_series($1::timestamptz, $2::timestamptz, '100 ms') AS m",
        builder.now,
        builder.advance_time(1_500),
    )
    for _ in range(33):  # more than the index can be asked for
        await builder.post(ada, await builder.conversation(ada), "recent")
    await index(builder)
    first = await find_page(builder, ada, "word ")

    assert first.messages == []
    assert first.next is not None
    assert await find(builder, ada, "word ") == ["oldest word of ada"]
