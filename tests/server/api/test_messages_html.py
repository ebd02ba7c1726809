"""Messages as HTML: `?render=html`."""

import asyncio

from tests.support.hostile_texts import wide_table
from tests.support.servers.in_process_server import InProcessServer


async def test_a_page_is_rendered_and_kept(server: InProcessServer) -> None:
    """The second reader's page comes from the cache."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), "**b**")
    pages = [await ann.get(f"/api/threads/{root}/tree?render=html") for _ in range(2)]

    html = [page["messages"][0]["html"] for page in pages]
    assert html == ['<p dir="auto"><strong>b</strong></p>\n'] * 2
    metrics = (await ann.client.get("/metrics")).text
    assert 'rustygpt_renderings_total{result="rendered"} 1.0' in metrics
    assert 'rustygpt_renderings_total{result="cached"} 1.0' in metrics


async def test_probes_are_answered_while_a_hostile_message_is_rendered(
    server: InProcessServer,
) -> None:
    """The message itself comes as preformatted text."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), wide_table(60_000))
    rendering = asyncio.create_task(ann.get(f"/api/messages/{root}?render=html"))
    answered = 0
    while not rendering.done():
        response = await ann.client.get("/healthz")
        answered += response.status_code == 200

    assert answered >= 3
    assert (await rendering)["html"].startswith("<pre>|a|a|")
