"""The rules of accessibility that a page breaks, found by axe in Chromium."""

from pathlib import Path

import axe_playwright_python
from playwright.async_api import Page

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


async def violations(page: Page) -> list[str]:
    """Return the rules that axe finds broken, each with an element."""
    await page.evaluate(AXE)
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found["violations"]]


async def broken_rules(page: Page) -> list[str]:
    """Return what axe finds in the light and in the dark theme."""
    broken = []
    for theme in ("light", "dark"):
        await page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        broken += [f"{theme}: {violation}" for violation in await violations(page)]
    return broken
