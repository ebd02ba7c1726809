"""The web page with threads of 100 to 100,000 messages in Chromium: opening, frames, eight tabs.

Numbers are for comparison within one run. The tests of the page hold the counts: bytes, requests,
rows in the document, streams.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from uuid import UUID

from playwright.async_api import Page, Response
from tests.benchmarks.harness import progress, table
from tests.support.clients.browser import chromium
from tests.support.clients.web_users import WebServer, create_group, read_everything, sign_in
from tests.support.database import databases
from tests.web.large_thread import fill_thread, message_id
from tests.web.servers import signed_in_users, web_server_process

from rustygpt_shared.requests import PostMessage

SIZES = (100, 10_000, 100_000)
TABS = 8
SETTLED_MS = 1_500
"""After this time the pages around a place are loaded; the open stream hides when that is."""
SECONDS = 10
"""How long the page is scrolled in each direction."""
SCROLL = """async ([direction, seconds]) => {
  const scroll = document.getElementById("scroll");
  const times = [];
  let rows = 0;
  const end = performance.now() + 1000 * seconds;
  let last = await new Promise(requestAnimationFrame);
  while (performance.now() < end) {
    scroll.scrollTop += 120 * direction;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
    rows = Math.max(rows, document.querySelectorAll(".message").length);
  }
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.floor(part * (times.length - 1))];
  return [at(0.5), at(0.95), at(1), rows];
}"""


def measure_page() -> str:
    """Return the tables: openings, frame times while scrolling, eight tabs."""
    with databases.cluster() as cluster_url, tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(cluster_url, Path(folder)))


async def _measure(cluster_url: str, folder: Path) -> str:
    database_url = await databases.create(cluster_url)
    server = web_server_process(folder, database_url)
    await server.start()
    openings: list[list[str]] = []
    frames: list[list[str]] = []
    try:
        async with signed_in_users(server.url) as web_server, chromium() as browser:
            page = await (await browser.new_context()).new_page()
            await sign_in(web_server, page)
            for count in SIZES:
                progress(f"the page with {count:,} messages")
                place = await _thread(web_server, database_url, count)
                openings += await _openings(web_server, page, place, count)
                frames += await _frames(page, count)
            tabs = await _tabs(page, web_server)
    finally:
        await server.stop()
    return "\n\n".join(
        (
            table(("opening", "messages", "ms", "requests", "KB"), openings),
            table(("scrolling", "messages", "p50 ms", "p95 ms", "max ms", "rows"), frames),
            tabs,
        )
    )


async def _thread(web_server: WebServer, database_url: str, count: int) -> tuple[str, UUID]:
    """Return the conversation and the root of a thread that Ada has read."""
    conversation_id = await create_group(web_server, f"Thread of {count}")
    root = (await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))).root_id
    await fill_thread(database_url, root, (await web_server.bob.me()).user.id, count - 1)
    await read_everything(web_server.ada)
    return conversation_id, root


async def _openings(
    web_server: WebServer, page: Page, place: tuple[str, UUID], count: int
) -> list[list[str]]:
    conversation_id, root = place
    thread = f"#/c/{conversation_id}/t/{root}"
    middle = message_id(root, count // 2)
    rows = [await _opening(page, root, "middle", f"{thread}/m/{middle}", count)]
    await web_server.ada.mark_unread(root, UUID(middle))
    rows.append(await _opening(page, root, "first unread", thread, count))
    await read_everything(web_server.ada)
    rows.append(await _opening(page, root, "end", thread, count))
    return rows


async def _opening(page: Page, root: UUID, name: str, address: str, count: int) -> list[str]:
    """Open an address from the start page; return milliseconds, requests and KB of the thread."""
    loaded: list[int] = []

    async def on_response(response: Response) -> None:
        if f"/api/threads/{root}/" in response.url:
            loaded.append(len(await response.body()))

    await page.evaluate("location.hash = '#/'")
    await page.reload()
    await page.locator("#conversations li").first.wait_for()
    page.on("response", on_response)
    started = time.perf_counter()
    await page.evaluate("(address) => { location.hash = address; }", address)
    await page.locator(".message").first.wait_for()
    milliseconds = (time.perf_counter() - started) * 1_000
    await page.wait_for_timeout(SETTLED_MS)
    page.remove_listener("response", on_response)
    return [
        name,
        f"{count:,}",
        f"{milliseconds:.0f}",
        str(len(loaded)),
        f"{sum(loaded) / 1_000:.0f}",
    ]


async def _frames(page: Page, count: int) -> list[list[str]]:
    rows: list[list[str]] = []
    for name, direction in (("up", -1), ("down", 1)):
        times = await page.evaluate(SCROLL, [direction, SECONDS])
        rows.append([name, f"{count:,}", *(f"{value:.1f}" for value in times[:3]), str(times[3])])
    return rows


async def _tabs(page: Page, web_server: WebServer) -> str:
    """Open eight tabs; return how many streams they have, and how long a message takes to all."""
    streams: list[str] = []
    page.context.on("request", lambda r: streams.append(r.url) if "/api/stream" in r.url else None)
    conversation_id = await create_group(web_server, "Tabs")
    root = await web_server.bob.post_root(UUID(conversation_id), PostMessage("Root"))
    address = f"{web_server.origin}/#/c/{conversation_id}/t/{root.root_id}"
    tabs = [page, *[await page.context.new_page() for _ in range(TABS - 1)]]
    for tab in tabs:
        await tab.goto(address)
        await tab.locator(".message").first.wait_for()
    started = time.perf_counter()
    await web_server.bob.reply(root.message_id, PostMessage("To all tabs"))
    for tab in tabs:
        await tab.locator(".message", has_text="To all tabs").wait_for()
    milliseconds = (time.perf_counter() - started) * 1_000
    counted = f"{TABS} tabs opened {len(streams)} new streams"
    return f"{counted}; a message is in all of them after {milliseconds:.0f} ms"
