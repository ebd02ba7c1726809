"""The union of events is closed and complete."""

from typing import get_args

from rustygpt_shared import events


def test_every_event_has_a_unique_type_and_a_docstring() -> None:
    """Types are unique, and every event says what it means."""
    union = get_args(events.Event)
    types = [event.__struct_config__.tag for event in union]

    assert len(set(types)) == len(types)
    assert all(event.__doc__ for event in union)


def test_the_union_contains_every_event_of_the_module() -> None:
    """An event that is left out of the union would never be decoded."""
    defined = {
        value
        for value in vars(events).values()
        if isinstance(value, type)
        and issubclass(value, events.BaseEvent)
        and value is not events.BaseEvent
    }

    assert defined == set(get_args(events.Event))
