"""Anything may happen to a conversation on several servers, in any order, and the law holds.

The law: durable events arrive by number, each once, or after a reset; nothing follows the user's
own removal; each kind of cursor leads to what the contract says; and a state that events keep up
to date equals the freshly fetched state.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from tests.support.database import databases
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.model.model_system import BACKFILL, NAMES, ModelSystem, make_people
from tests.support.servers.clusters import InProcessCluster
from tests.support.servers.in_process_server import in_process_server, openai_settings

from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_shared.settings import Db, Settings, Sse

pytestmark = pytest.mark.slow

names = strategies.sampled_from(NAMES)
clients = strategies.sampled_from((*NAMES, "ann too"))
places = strategies.integers(0, 2)
numbers = strategies.integers(0, 40)
storms = strategies.integers(2, 6)
texts = strategies.sampled_from(["hi", "héllo 🦀", "x\u2028y", "a\r\nid: evt_7\r\n\r\nb"])
cursors = strategies.sampled_from(["last", "last", "older", "zero", "future", "no id", "none"])


class Model:
    """A model whose answers pause in the middle until a test lets them continue."""

    def __init__(self, server: FakeModelServer) -> None:
        self._server = server
        self._go = asyncio.Event()
        self.hold()

    def hold(self) -> None:
        """Answers that begin from now on stop in the middle."""
        self._go = asyncio.Event()
        parts = [chunk("one "), 0.01, chunk("twö "), self._go, chunk("🦀"), finished()]
        self._server.scripts = [ScriptedAnswer(parts)]

    def finish(self) -> None:
        """Let all answers in progress end."""
        self._go.set()
        self.hold()


class Bench:
    """The servers and users that all examples share; each example has its own conversation."""

    def __init__(self, runner: asyncio.Runner, cluster: InProcessCluster, model: Model) -> None:
        self._runner = runner
        self.people = self.run(make_people(cluster))
        self.fleet = cluster
        self.model = model

    def run(self, doing: Coroutine[Any, Any, Any]) -> Any:
        """Do something, while the servers go on."""
        return self._runner.run(doing)


class Machine(RuleBasedStateMachine):
    def __init__(self, bench: Bench) -> None:
        super().__init__()
        self._run = bench.run
        self._world = ModelSystem(bench.fleet, bench.people, bench.model)
        self._finish = bench.model.finish

    @initialize()
    def begin(self) -> None:
        self._run(self._world.set_up())

    @rule(name=names, place=places, text=texts)
    def post(self, name: str, place: int, text: str) -> None:
        self._run(self._world.post(name, place, text))

    @rule(name=names, place=places, which=numbers, text=texts)
    def reply(self, name: str, place: int, which: int, text: str) -> None:
        self._run(self._world.reply(name, place, which, text))

    @rule(count=storms, which=numbers)
    def storm(self, count: int, which: int) -> None:
        self._run(self._world.post_many(count, which))

    @rule(name=names, place=places, which=numbers)
    def ask(self, name: str, place: int, which: int) -> None:
        self._run(self._world.reply(name, place, which, "@assistant go"))

    @rule()
    def finish(self) -> None:
        self._finish()

    @rule(place=places, title=texts)
    def rename(self, place: int, title: str) -> None:
        self._run(self._world.rename(place, " ".join(title.split())))

    @rule(name=strategies.sampled_from(NAMES[1:]), place=places)
    def add(self, name: str, place: int) -> None:
        self._run(self._world.add(name, place))

    @rule(name=strategies.sampled_from(NAMES[1:]), place=places, leave=strategies.booleans())
    def remove(self, name: str, place: int, leave: bool) -> None:
        self._run(self._world.remove(name, place, by=name if leave else "ann"))

    @rule(who=clients, place=places, cursor=cursors, back=numbers)
    def connect(self, who: str, place: int, cursor: str, back: int) -> None:
        self._run(self._world.connect(who, place, cursor, back))

    @rule(who=clients, place=places, cursor=cursors, back=numbers, count=storms)
    def connect_in_a_storm(self, who: str, place: int, cursor: str, back: int, count: int) -> None:
        self._run(self._world.connect(who, place, cursor, back, concurrent_posts=count))

    @rule(who=clients)
    def disconnect(self, who: str) -> None:
        self._run(self._world.model_clients[who].disconnect())

    @rule(keep=strategies.integers(1, 20))
    def trim(self, keep: int) -> None:
        self._run(self._world.trim(keep))

    @rule(place=places)
    def restart(self, place: int) -> None:
        self._run(self._world.restart(place))

    @rule()
    def cut_lines(self) -> None:
        self._run(self._world.cut_listeners())

    @rule(count=storms, keep=strategies.integers(1, 6))
    def miss(self, count: int, keep: int) -> None:
        self._run(self._world.lose_notifications(count, keep))

    @rule(seconds=strategies.sampled_from([0.25, 2, 8]))
    def pause(self, seconds: float) -> None:
        self._run(self._world.let_time_pass(seconds))

    @rule()
    def settle(self) -> None:
        self._run(self._world.wait_until_consistent())

    @invariant()
    def nothing_is_wrong(self) -> None:
        self._world.check()

    def teardown(self) -> None:
        try:
            if self._world.model_clients:
                self._run(self._world.wait_until_consistent())
        finally:
            self._run(self._world.tear_down())


@asynccontextmanager
async def _servers(
    database_url: str, login: PoolLogin, count: int
) -> AsyncIterator[tuple[InProcessCluster, Model]]:
    """Yield servers on an empty database, and the model of the assistant."""
    async with databases.connected(database_url) as owner, fake_model_server() as scripted:
        await databases.empty(owner)
        settings = Settings(
            llm=openai_settings(scripted.url),
            db=Db(max_connections=4),
            sse=Sse(max_backfill_events=BACKFILL, channel_capacity=16),
        )
        start = functools.partial(in_process_server, database_url, login, settings=settings)
        cluster = InProcessCluster(lambda clock: start(clock=clock), owner)
        for _ in range(count):
            await cluster.add()
        try:
            yield cluster, Model(scripted)
        finally:
            await cluster.close()


@pytest.mark.parametrize(("count", "examples"), [(2, 6), (3, 6)])
def test_whatever_happens_the_law_holds(
    database_url: str, pool_login: PoolLogin, count: int, examples: int
) -> None:
    """Users, clients, servers, connections and the log act in any order."""
    settings = hypothesis.settings(
        max_examples=examples, stateful_step_count=20, suppress_health_check=list(HealthCheck)
    )
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        cluster, model = runner.run(
            stack.enter_async_context(_servers(database_url, pool_login, count))
        )
        try:
            bench = Bench(runner, cluster, model)
            run_state_machine_as_test(lambda: Machine(bench), settings=settings)
        finally:
            runner.run(stack.aclose())
