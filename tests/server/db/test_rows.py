"""Rows that several modules decode."""

from uuid import uuid4

from rustygpt_server.db.rows import EventRecord, Page, event_records, page


def test_an_empty_page_has_its_position() -> None:
    """A list without items is one row of NULL fields."""
    assert page([(7, False, None, None)], lambda a, b: (a, b)) == Page([], 7, more=False)


def test_the_last_row_of_a_page_has_its_more_flag() -> None:
    """The last row decides whether the list continues."""
    rows = [(7, True, "a", 1), (7, True, "b", 2)]
    assert page(rows, lambda a, b: (a, b)) == Page([("a", 1), ("b", 2)], 7, more=True)
    rows = [(7, True, "a", 1), (7, False, "b", 2)]
    assert not page(rows, lambda a, b: (a, b)).more


def test_parallel_arrays_become_events() -> None:
    """The events keep the order of the arrays."""
    conversation_id = uuid4()
    assert event_records(conversation_id, [], [], []) == []
    assert event_records(conversation_id, [1, 2], ["a", "b"], ["{}", "[]"]) == [
        EventRecord(conversation_id, 1, "a", "{}"),
        EventRecord(conversation_id, 2, "b", "[]"),
    ]
