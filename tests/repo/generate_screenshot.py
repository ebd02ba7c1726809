"""Take the README's screenshot: the real terminal chat at a real server.

Run it with `python -m tests.repo.generate_screenshot`.
"""

import asyncio
import os
import tempfile
from pathlib import Path

from tests.repo.generate_reference import ROOT
from tests.support.database import databases
from tests.support.fakes.fake_clock import FakeClock
from tests.support.fakes.fake_model_server import answer, fake_model_server
from tests.support.servers.in_process_server import (
    PASSWORD,
    InProcessServer,
    in_process_server,
    openai_settings,
)
from tests.tui.app_driver import AppDriver

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings

SIZE = (118, 39)
_ANSWER = """\
The canary stopped at **step 4**: the readiness probe asks for `/readyz`, and that answers 503 \
until the schema is applied.

1. Give the probe a longer start:

```yaml
startupProbe:
  httpGet: { path: /readyz, port: 8080 }
  failureThreshold: 30
```

2. Then roll forward, nothing else changed.

| step | before | with the probe |
| --- | --- | --- |
| schema | 2 s | 2 s |
| canary | failed | ready after 3 s |
"""


async def _create_content(server: InProcessServer) -> None:
    ana, ben = await server.person("ana"), await server.person("ben")
    for title in ("Reading list", "Kitchen rota"):
        await ben.conversation(title)
        server.clock.advance(3_600)
    conversation_id = await ben.conversation("Harbour", is_group=True, assistant_mode="mention")
    people = f"/api/conversations/{conversation_id}/participants"
    await ben.post(people, {"user_id": str(ana.id), "role": "member"}, expect=204)
    await ana.root(conversation_id, "On-call next week: who swaps with me?")
    server.clock.advance(1_500)
    root = await ana.root(conversation_id, "Why did the canary fail?")
    server.clock.advance(60)
    reply = await ben.reply(root, "Logs are in `step 4`. @assistant what do you make of them?")
    async with ben.follow(conversation_id, "evt_0") as stream:
        await stream.next("message.done")
    server.clock.advance(120)
    await ana.reply(reply, "That was it, thank you both!")


async def _screenshot_of_new_server(url: str) -> str:
    login = await databases.prepare(url)
    async with (
        fake_model_server(answer(*_ANSWER.splitlines(keepends=True))) as model,
        in_process_server(
            url, login, llm=openai_settings(model.url, "qwen3"), clock=FakeClock()
        ) as api,
    ):
        await _create_content(api)
        return await _screenshot(api)


async def _screenshot(server: InProcessServer) -> str:
    app = RustyGPT(
        load_settings(), server=server.url, account=None, local=False, now=server.clock.now
    )
    async with app.run_test(size=SIZE) as pilot:
        driver = AppDriver(app, pilot)
        await driver.until("Sign in")
        app.screen.query_one("#name").value = "ben"  # type: ignore[attr-defined]
        app.screen.query_one("#password").value = PASSWORD  # type: ignore[attr-defined]
        await pilot.press("enter")
        await driver.until("Why did the canary")
        await driver.until("● live")
        await driver.until("ready after 3 s")
        await driver.until(
            lambda: [c.unread for c in driver.main.controller.conversations] == [1, 0, 0]
        )
        await pilot.press("i")
        await driver.write("Rolling forward now.")
        await driver.until("Rolling forward")
        taken = app.export_screenshot(title="RustyGPT")
    await app.aclose()
    return taken


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("CONFIG", "STATE", "CACHE", "DATA"):
            os.environ[f"RUSTYGPT_{kind}_DIR"] = folder
        os.environ["TEXTUAL_ANIMATIONS"] = "none"
        with databases.cluster() as cluster:
            picture = asyncio.run(_screenshot_of_new_server(asyncio.run(databases.create(cluster))))
    (Path(ROOT) / "docs" / "terminal.svg").write_text(picture, "utf-8")
