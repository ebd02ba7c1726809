"""The route of the search."""

from urllib.parse import quote

from tests.support.servers.in_process_server import HttpUser, InProcessServer


async def _find(
    server: InProcessServer, person: HttpUser, text: str, more: str = "", *, expect: int = 200
) -> dict[str, object]:
    """The response to a search, after everything was indexed."""
    await server.components.services.search.fill()
    path = f"/api/search?q={quote(text)}{more}"
    response: dict[str, object] = await person.get(path, expect=expect)
    return response


async def test_a_hit_has_its_message_and_fragments(server: InProcessServer) -> None:
    """The text is plain, whatever it looks like; the thread is named by its first message."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation(assistant_mode="off")
    root = await ann.root(conversation_id, "the root")
    reply = await ann.reply(root, "why did the <b>canary</b> fail?")
    found = await _find(server, ann, "canary")

    assert found == {
        "hits": [
            {
                "message": await ann.get(f"/api/messages/{reply}"),
                "conversation_title": "conversation",
                "thread_excerpt": "the root",
                "highlight": [
                    {"text": "why did the <b>", "is_match": False},
                    {"text": "canary", "is_match": True},
                    {"text": "</b> fail?", "is_match": False},
                ],
            }
        ],
        "complete": True,
    }


async def test_pages_follow_each_other(server: InProcessServer) -> None:
    """Messages that come meanwhile move nothing."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(assistant_mode="off"), "word 0")
    for number in range(1, 5):
        server.clock.advance(1)
        await ann.reply(root, f"word {number}")
    first = await _find(server, ann, "word", "&limit=3")
    await ann.reply(root, "word 5")
    second = await _find(server, ann, "word", f"&limit=3&cursor={first['next_cursor']}")
    texts = [hit["message"]["content"] for page in (first, second) for hit in page["hits"]]  # type: ignore[attr-defined]

    assert texts == ["word 4", "word 3", "word 2", "word 1", "word 0"]
    assert "next_cursor" not in second


async def test_a_thread_is_searched(server: InProcessServer) -> None:
    """Only this one; that of others, and an id that is no root, are 404."""
    ann, eve = await server.person("ann"), await server.person("eve")
    conversation_id = await ann.conversation(assistant_mode="off")
    root, other = [await ann.root(conversation_id, f"word {n}") for n in range(2)]
    reply = await ann.reply(root, "word below")
    found = await _find(server, ann, "word", f"&root_id={root}")
    hits: list[object] = [hit["message"]["id"] for hit in found["hits"]]  # type: ignore[attr-defined]

    assert set(hits) == {root, reply}
    assert other not in hits
    await _find(server, eve, "word", f"&root_id={root}", expect=404)
    await _find(server, ann, "word", f"&root_id={reply}", expect=404)


async def test_others_find_nothing(server: InProcessServer) -> None:
    """Neither by words, nor by the conversation's id, nor by its title."""
    ann, eve = await server.person("ann"), await server.person("eve")
    conversation_id = await ann.conversation(title="hidden", assistant_mode="off")
    await ann.root(conversation_id, "secret")
    missing = "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab00"

    assert (await _find(server, eve, "secret"))["hits"] == []
    texts: list[object] = []
    for id in (conversation_id, missing):  # noqa: A001 - as elsewhere in the routes
        problem = await _find(server, eve, "secret", f"&conversation_id={id}", expect=404)
        texts.append(problem["detail"])
    assert texts[0] == texts[1]
    await _find(server, eve, "secret in:hidden", expect=422)


async def test_bad_searches_are_refused(server: InProcessServer) -> None:
    """With a sentence."""
    ann = await server.person("ann")
    for text, more, sentence in [
        ("", "", "A search needs at least one word"),
        ("x", "&conversation_id=1", "conversation_id has to be an id"),
        ("in:a x", f"&conversation_id={ann.id}", "not by both"),
        ("before:1", "", "before: takes a day"),
        ("x", "&limit=101", "limit"),
        ("x", "&cursor=x", "cursor"),
    ]:
        problem = await _find(server, ann, text, more, expect=400)
        assert sentence in str(problem["detail"])
