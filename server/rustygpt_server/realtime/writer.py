"""The life of a stream: caught up from the ring or the log, then live, until it ends.

A seat turns live in the same turn of the event loop in which its cursor meets the channel's
position, so no event can come between: nothing is lost and nothing repeated.
"""

from rustygpt_server.db.refusals import Unavailable
from rustygpt_server.realtime.channel import frame
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.outbox import Item, Kind
from rustygpt_server.realtime.reader import Reader, Seat, Sink

PAGE = 200
HEARTBEAT = b":\n\n"


async def write(hub: Hub, reader: Reader, sink: Sink) -> None:
    """Send a stream what it has coming, until it is ended; the caller has sent the opening."""
    reader.sink = sink
    while True:
        if piece := reader.outbox.take():
            await sink.send(piece)
        elif reader.closing:
            await sink.send(reader.closing)
            return
        elif reader.waiting:
            await _bring_up(hub, reader.waiting[0], sink)
        elif reader.outbox.behind:
            _catch_up_answers(hub, reader)
        elif reader.beating:
            reader.beating = False
            await sink.send(HEARTBEAT)
        else:
            await reader.rest()
            continue
        reader.quiet = False


async def _bring_up(hub: Hub, seat: Seat, sink: Sink) -> None:
    """One step towards live: a page of what is missing, or a place among the channel's readers."""
    if seat.gone:
        await sink.send(_tell_gone(hub, seat))
        return
    channel = hub.channel(seat.conversation_id)
    if seat.reset:
        await sink.send(_start_over(hub, seat))
        return
    if seat.cursor >= (channel.position or 0):
        seat.reader.waiting.remove(seat)
        channel.seat(seat)
        _tell_answers(hub, seat)
        return
    with hub.metrics.replay_durations.time():
        page = await _next_page(hub, seat)
    if seat in seat.reader.waiting and not seat.reader.closing:  # it may have lost the right
        await sink.send(page)


def _tell_gone(hub: Hub, seat: Seat) -> bytes:
    """What told of a removal was lost with what waited; one who is back in is told of that."""
    seat.reader.waiting.remove(seat)
    if seat.reader.seat_in(seat.conversation_id):
        return b""
    return hub.reset(seat.conversation_id, 0, "removed")


def _start_over(hub: Hub, seat: Seat) -> bytes:
    """Tell a reader to load anew; it is live again from here."""
    channel = hub.channel(seat.conversation_id)
    reason, seat.reset = seat.reset or "overflow", None
    channel.unseat(seat)  # until it stands where the channel does
    seat.cursor = channel.position or 0
    return hub.reset(seat.conversation_id if seat.reader.whole else None, seat.cursor, reason)


async def _next_page(hub: Hub, seat: Seat) -> bytes:
    channel = hub.channel(seat.conversation_id)
    events = channel.since(seat.cursor)
    if events is None:
        try:
            logged = await hub.log.read(seat.conversation_id, seat.cursor, PAGE)
        except Unavailable:  # the stream stays, and goes on as soon as the log is there
            await hub.pause()
            return HEARTBEAT
        # What the channel has not told yet, it tells when the seat is live.
        events = [frame(event) for event in logged if event.number <= (channel.position or 0)]
    if not events or events[0].number != seat.cursor + 1:
        seat.reset = "trimmed"
        return b""
    seat.cursor = events[-1].number
    hub.metrics.replayed.inc(len(events))
    return b"".join(event.for_reader(whole=seat.reader.whole) for event in events)


def _tell_answers(hub: Hub, seat: Seat) -> None:
    """Send the whole text so far of every answer in progress."""
    for answer in hub.answers(seat.conversation_id):
        whole = answer.whole()
        if whole:
            seat.reader.queue(Item(Kind.TRANSIENT, whole, answer.message_id), seat)


def _catch_up_answers(hub: Hub, reader: Reader) -> None:
    """Send the whole text of answers of which the reader missed a piece."""
    behind, reader.outbox.behind = reader.outbox.behind or set(), None
    for seat in reader.seats:
        for answer in hub.answers(seat.conversation_id):
            whole = answer.whole() if answer.message_id in behind else None
            if whole:
                reader.queue(Item(Kind.TRANSIENT, whole, answer.message_id), seat)
