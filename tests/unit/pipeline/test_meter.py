"""Where a stage's time goes."""

from __future__ import annotations

from entrepot.pipeline.meter import BUSY, INPUT, OFF, OTHERS, ROOM, Meter


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_each_second_is_counted_once_and_the_parts_add_up() -> None:
    """Room counts before others, others before input, whatever order they begin in."""
    clock = Clock()
    meter = Meter(clock)
    clock.now += 50  # before it starts, nothing counts
    meter.start()

    for begun, ended in [
        ((), ()),
        ((INPUT,), ()),
        ((OTHERS,), ()),
        ((ROOM,), ()),
        ((), (OTHERS, ROOM)),
        ((), (INPUT,)),
    ]:
        for what in begun:
            meter.begin(what)
        for what in ended:
            meter.end(what)
        clock.now += 1
    meter.stop()
    clock.now += 50

    assert {what: meter.seconds(what) for what in (BUSY, INPUT, OTHERS, ROOM)} == {
        BUSY: 2,
        INPUT: 2,
        OTHERS: 1,
        ROOM: 1,
    }


def test_the_present_moment_is_counted_while_it_lasts() -> None:
    """A display sees a wait grow, not only once it is over."""
    clock = Clock()
    meter = Meter(clock)
    meter.start()
    meter.begin(INPUT)

    clock.now += 3

    assert (meter.seconds(INPUT), meter.seconds(BUSY)) == (3, 0)


def test_a_stage_that_has_ended_counts_no_more() -> None:
    """Even when a task that it left behind goes on waiting."""
    clock = Clock()
    meter = Meter(clock)
    meter.start()
    meter.begin(ROOM)
    meter.stop()

    clock.now += 7
    meter.end(ROOM)

    assert meter.state == OFF
    assert meter.seconds(ROOM) == 0


def test_batches_are_counted_by_number_and_size() -> None:
    """The largest and the sum, from which the mean comes."""
    meter = Meter(Clock())

    for size in (3, 9, 6):
        meter.count_batch(size)

    assert (meter.batches, meter.batched, meter.batch_max) == (3, 18, 9)
