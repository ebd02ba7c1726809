"""Ids of rows and of events."""

from rustygpt_shared.ids import event_id, event_number, new_id


def test_ids_sort_by_time() -> None:
    """An id of the next millisecond is greater, whatever its random bits are."""
    earlier = new_id(1_700_000_000_000)
    later = new_id(1_700_000_000_001)

    assert earlier < later
    assert earlier.version == 7
    assert earlier.variant == "specified in RFC 4122"


def test_the_number_of_an_event_id_can_be_read_back() -> None:
    """`event_number` is the inverse of `event_id`."""
    assert event_number(event_id(42)) == 42


def test_other_text_is_not_an_event_id() -> None:
    """Malformed, padded, negative and huge numbers are rejected."""
    invalid = ["", "42", "evt_", "evt_-1", "evt_042", "evt_1 ", "evt_" + "9" * 30, "evt_１"]

    assert [event_number(text) for text in invalid] == [None] * len(invalid)
