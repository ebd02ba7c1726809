"""The union of events is closed and complete."""

from typing import get_args

from rustygpt_shared import events


def test_every_event_has_one_name_and_a_docstring() -> None:
    """Names are unique, and people can read what an event means."""
    union = get_args(events.Event)
    names = [one.__struct_config__.tag for one in union]

    assert len(set(names)) == len(names)
    assert all(one.__doc__ for one in union)


def test_the_union_holds_every_event_of_the_module() -> None:
    """An event that was written down but left out of the union would never be decoded."""
    written = {
        value
        for value in vars(events).values()
        if isinstance(value, type)
        and issubclass(value, events.BaseEvent)
        and value is not events.BaseEvent
    }

    assert written == set(get_args(events.Event))
