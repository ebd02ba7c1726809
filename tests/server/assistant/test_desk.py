"""Answers as tasks: begun, stopped, and ended whatever happens to them."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from tests.support import databases
from tests.support.assistants import Assistant, asked
from tests.support.scene import RUNNER, Scene
from tests.support.waiting import until

from rustygpt_server.assistant.answer import Place
from rustygpt_server.assistant.provider import Piece, Prompt
from rustygpt_server.clock import TimeLimits
from rustygpt_server.db import answers, messages
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.settings import Llm


class Waiting:
    """A provider that says one word and then waits to be let go, or breaks."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.go = asyncio.Event()
        self.asked = 0
        self._breaks = breaks

    async def answer(self, prompt: Prompt) -> AsyncIterator[Piece]:
        self.asked += 1
        yield Piece(content="word")
        if self._breaks:
            raise KeyError("a mistake in the program")
        await self.go.wait()
        yield Piece(finish_reason="stop")

    async def models(self) -> list[str]:
        return ["demo"]

    async def close(self) -> None:
        """Nothing is held."""


async def _ended(scene: Scene, who: UUID, place: Place) -> MessageView:
    """The answer, as soon as its end is stored."""
    async with asyncio.timeout(5):
        while (shown := await messages.get_message(scene.db, who, place.message_id)).streaming:
            await asyncio.sleep(0.01)
    return shown


async def test_an_answer_ends_and_is_forgotten(scene: Scene) -> None:
    """Readers can join while it is written, and no longer."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider)
    who, place = await asked(scene)
    assistant.desk.begin(place)
    await until(lambda: provider.asked == 1)
    assert len(assistant.hub.answers(place.conversation_id)) == 1
    provider.go.set()
    shown = await _ended(scene, who, place)
    await until(lambda: assistant.hub.answers(place.conversation_id) == [])

    assert (shown.content, shown.finish_reason) == ("word", "stop")
    assert assistant.desk.cancel(place.message_id) is False


async def test_an_answer_may_be_stopped_before_its_first_step(scene: Scene) -> None:
    """It ends as cancelled, without a word, and the model is not asked."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider)
    who, place = await asked(scene)
    assistant.desk.begin(place)
    assert assistant.desk.cancel(place.message_id) is True
    shown = await _ended(scene, who, place)

    assert (shown.content, shown.finish_reason) == ("", "cancelled")
    assert provider.asked == 0


async def test_an_answer_that_waits_for_a_place_can_be_stopped(scene: Scene) -> None:
    """The one that holds the place goes on."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider, Llm(max_concurrent_requests=1))
    first, second = await asked(scene), await asked(scene)
    for _, place in (first, second):
        assistant.desk.begin(place)
    await until(lambda: provider.asked == 1)
    assistant.desk.cancel(second[1].message_id)
    stopped = await _ended(scene, *second)
    provider.go.set()
    written = await _ended(scene, *first)

    assert (stopped.finish_reason, written.finish_reason) == ("cancelled", "stop")
    assert provider.asked == 1


async def test_stopping_again_and_again_stores_one_end(scene: Scene) -> None:
    """The end is never cut by the next wish to stop, and it is told to readers."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider)
    who, place = await asked(scene)
    opening = await scene.opening(who, place.conversation_id)
    channel = assistant.hub.channel(place.conversation_id)
    channel.start(opening.position)
    assistant.desk.begin(place)
    await until(lambda: provider.asked == 1)
    while assistant.desk.cancel(place.message_id):
        await asyncio.sleep(0)
    shown = await _ended(scene, who, place)

    assert (shown.content, shown.finish_reason) == ("word", "cancelled")
    assert channel.position == opening.position + 3


async def test_a_mistake_in_the_program_ends_the_answer(scene: Scene) -> None:
    """Nobody waits for ever, whatever broke."""
    assistant = Assistant(scene.db, Waiting(breaks=True))
    who, place = await asked(scene)
    assistant.desk.begin(place)
    shown = await _ended(scene, who, place)

    assert (shown.content, shown.finish_reason) == ("word", "error")


async def test_a_wish_that_reached_another_process_is_noticed(scene: Scene) -> None:
    """The runner asks for such wishes."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider)
    who, place = await asked(scene)
    assistant.desk.begin(place)
    await until(lambda: provider.asked == 1)
    await answers.request_cancel(scene.db, who, place.message_id, scene.now)
    await assistant.desk.stop_cancelled()

    assert (await _ended(scene, who, place)).finish_reason == "cancelled"


async def test_only_answers_that_are_written_keep_their_lease(scene: Scene) -> None:
    """One whose beginning was stored but never heard of runs out, though its runner lives."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider)
    (who, lost), (asker, kept) = await asked(scene), await asked(scene)
    assistant.desk.begin(kept)
    await until(lambda: provider.asked == 1)
    for _ in range(7):
        assistant.clock.move(5)
        await assistant.desk.keep_leases()

    assert (await _ended(scene, who, lost)).finish_reason == "error"
    assert (await messages.get_message(scene.db, asker, kept.message_id)).streaming is True
    provider.go.set()
    assert (await _ended(scene, asker, kept)).finish_reason == "stop"


async def test_all_orphans_are_ended_at_once(scene: Scene) -> None:
    """However many a dead process left: more than one statement takes."""
    assistant = Assistant(scene.db, Waiting())
    who = await scene.person("ada")
    room = await scene.room(who, mode="always")
    for _ in range(101):
        await scene.post(who, room)
    assistant.clock.move(3_600)
    await assistant.desk.keep_leases()

    assert await answers.fail_orphans(scene.db, assistant.clock.now()) == []
    assert await answers.renew_leases(scene.db, RUNNER, [], scene.now) == 0


async def test_stopping_ends_what_is_written(scene: Scene) -> None:
    """As an error that says so; nothing new is begun afterwards."""
    provider = Waiting()
    assistant = Assistant(scene.db, provider)
    assert assistant.desk.answering() is not None
    who, place = await asked(scene)
    assistant.desk.begin(place)
    await until(lambda: provider.asked == 1)
    await assistant.desk.stop()

    assert (await _ended(scene, who, place)).finish_reason == "error"
    assert assistant.desk.answering() is None


async def test_stopping_does_not_wait_for_a_database_that_is_away(
    scene: Scene, database_url: str, pool_login: PoolLogin
) -> None:
    """After the time for it no task is left."""
    provider = Waiting()
    async with databases.pool(database_url, pool_login) as away:
        assistant = Assistant(away, provider, limits=TimeLimits(drain=0.1))
        who, place = await asked(scene)
        assistant.desk.begin(place)
        await until(lambda: provider.asked == 1)
    async with asyncio.timeout(2):
        await assistant.desk.stop()
    await until(lambda: assistant.hub.answers(place.conversation_id) == [])

    assert (await messages.get_message(scene.db, who, place.message_id)).streaming is True
