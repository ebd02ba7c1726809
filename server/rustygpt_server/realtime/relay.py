"""What this process does about what others tell it."""

from collections.abc import Callable, Mapping
from typing import assert_never
from uuid import UUID

from msgspec import Struct

from rustygpt_server.clock import Clock
from rustygpt_server.db.controls import Control
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.passages import Passage
from rustygpt_server.realtime.remote import RemoteAnswers
from rustygpt_server.realtime.words import Beat, Cancel, Happened, Marked, Over, Typing, Want, Word


class Doors(Struct, frozen=True):
    """Who upstairs is told what."""

    cancel: Callable[[UUID], object]
    """Stop an answer, if it is written here."""
    say_again: Callable[[UUID | None], object]
    """Tell the whole text of an answer that is written here; for None all that is passing here."""
    marked: Callable[[Marked], object]
    """A person's mark moved."""
    control: Callable[[Control], object]
    """A right was given or taken."""
    beat: Callable[[Beat], object]
    """A person is there."""
    typing: Callable[[Typing], object]
    """A person is writing, or stopped."""
    missed: Callable[[], object]
    """Words may have been lost until now."""


class Relay:
    """The ear of a process."""

    def __init__(self, hub: Hub, clock: Clock, doors: Doors) -> None:
        self._hub = hub
        self._remote = RemoteAnswers(hub, clock)
        self._doors = doors
        self._missed = False

    def positions(self, numbers: Mapping[UUID, int]) -> None:
        """Catch up with what others wrote."""
        for conversation_id, number in numbers.items():
            self._hub.catch_up.note(conversation_id, number)

    def word(self, word: Word) -> None:  # noqa: C901 - a case each
        """Do what a word says."""
        match word:
            case Passage():
                self._remote.add(word)
            case Over():
                self._remote.over(word)
            case Want(message_id=message_id):
                self._doors.say_again(message_id)
            case Happened(events=events):
                self._hub.take(events[0].conversation_id, events)
            case Control():
                self._doors.control(word)
            case Cancel(message_id=message_id):
                self._doors.cancel(message_id)
            case Marked():
                self._doors.marked(word)
            case Beat():
                self._doors.beat(word)
            case Typing():
                self._doors.typing(word)
            case _:
                assert_never(word)

    def returned(self) -> None:
        """Make up for what was missed while nothing could be heard."""
        self._missed = True
        self._hub.catch_up.check_soon()
        self._doors.missed()
        self._hub.backplane.say(Want(None))

    def take_missed(self) -> bool:
        """Whether words may have been missed since this was asked last."""
        missed, self._missed = self._missed, False
        return missed or not self._hub.backplane.hears

    def forget_silent(self) -> None:
        """Drop other processes' answers that nothing more was heard of."""
        self._remote.forget_silent()
