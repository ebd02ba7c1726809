"""The law of `test_model` once more, with servers in processes of their own, which are killed."""

import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.database import databases
from tests.support.model.model_system import BACKFILL, NAMES, ModelSystem, make_people
from tests.support.servers.clusters import process_cluster

pytestmark = pytest.mark.slow

STEPS = 60
_ENVIRON = {
    "RUSTYGPT__LLM__DEFAULT_MODEL": "demo",
    "RUSTYGPT_PROFILE": "test",
    "RUSTYGPT__SSE__MAX_BACKFILL_EVENTS": str(BACKFILL),
}


class Demo:
    """The built-in assistant, which never pauses."""

    def finish(self) -> None:
        """Nothing holds its answers."""


def _steps(world: ModelSystem, chosen: random.Random) -> dict[Callable[[], Awaitable[None]], int]:
    """Return what may happen next, and how often it does."""
    place, which = chosen.randrange(2), chosen.randrange(40)
    client = chosen.choice([*world.model_clients])
    cursor = chosen.choice(["last", "last", "older", "zero", "future", "no id", "none"])
    return {
        lambda: world.post_many(chosen.randrange(2, 12), which): 8,
        lambda: world.post(chosen.choice(NAMES), place, "@assistant go"): 2,
        lambda: world.rename(place, f"title {which}"): 1,
        lambda: world.add(chosen.choice(NAMES[1:]), place): 3,
        lambda: world.remove(chosen.choice(NAMES[1:]), place, by="ann"): 2,
        lambda: world.connect(client, place, cursor, which, concurrent_posts=which % 3 * 4): 8,
        lambda: world.trim(1 + which): 2,
        lambda: world.lose_notifications(6, 1 + which % 4): 2,
        world.cut_listeners: 2,
        lambda: world.restart(place): 1,
    }


@pytest.mark.parametrize("seed", [1, 2])
async def test_killed_servers_keep_the_law(tmp_path: Path, cluster_url: str, seed: int) -> None:
    """Whatever users, clients and the log do meanwhile."""
    url, chosen = await databases.create(cluster_url), random.Random(seed)
    async with process_cluster(tmp_path, url, 2, **_ENVIRON) as cluster:
        world = ModelSystem(cluster, await make_people(cluster), Demo())
        await world.set_up()
        try:
            for _ in range(STEPS):
                steps = _steps(world, chosen)
                await chosen.choices([*steps], weights=[*steps.values()])[0]()
                world.check()
            await world.restart(0)
            await world.wait_until_consistent()
        finally:
            await world.tear_down()
    await databases.drop(cluster_url, url)
