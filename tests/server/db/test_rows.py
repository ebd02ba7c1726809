"""Rows that several topics share."""

from uuid import uuid4

from rustygpt_server.db.rows import EventRecord, Page, event_records, page


def test_an_empty_page_keeps_its_position() -> None:
    """A list without items is one row of NULL fields."""
    assert page([(7, False, None, None)], lambda a, b: (a, b)) == Page([], 7, more=False)


def test_a_page_knows_whether_there_is_more() -> None:
    """The last row tells whether the list goes on."""
    rows = [(7, True, "a", 1), (7, True, "b", 2)]
    assert page(rows, lambda a, b: (a, b)) == Page([("a", 1), ("b", 2)], 7, more=True)
    rows = [(7, True, "a", 1), (7, False, "b", 2)]
    assert not page(rows, lambda a, b: (a, b)).more


def test_events_of_parallel_arrays() -> None:
    """Numbers, types and payloads make events, in order."""
    room = uuid4()
    assert event_records(room, [], [], []) == []
    assert event_records(room, [1, 2], ["a", "b"], ["{}", "[]"]) == [
        EventRecord(room, 1, "a", "{}"),
        EventRecord(room, 2, "b", "[]"),
    ]
