"""Identifiers."""

from rustygpt_shared.ids import event_id, event_number, new_id


def test_ids_sort_by_time() -> None:
    """An id made a millisecond later is greater, whatever its random bits are."""
    earlier, later = new_id(1_700_000_000_000), new_id(1_700_000_000_001)

    assert earlier < later
    assert earlier.version == 7
    assert earlier.variant == "specified in RFC 4122"


def test_event_ids_go_there_and_back() -> None:
    """The number of an event's id is the event's number."""
    assert event_number(event_id(42)) == 42


def test_what_is_no_event_id_has_no_number() -> None:
    """Malformed, padded, negative and huge ids are no event ids."""
    wrong = ["", "42", "evt_", "evt_-1", "evt_042", "evt_1 ", "evt_" + "9" * 30, "evt_１"]

    assert [event_number(text) for text in wrong] == [None] * len(wrong)
