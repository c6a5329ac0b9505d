"""How a device is, and since when."""

from satellite.core.hardware import Condition, Device, Half
from satellite.core.units import Millis


def _after(*news: tuple[int, Condition]) -> Device:
    device = Device(Half.SPEAKER, "hw:CARD=X")
    for at, condition in news:
        device = device.become(condition, Millis(at), rate_hz=16_000 if condition is Condition.WORKING else 0)
    return device


def test_a_device_that_is_lost_is_counted_once_until_it_is_back() -> None:
    """That it stands still, and is then away, is one loss, since its beginning."""
    lost = ((1000, Condition.WORKING), (5000, Condition.STALLED), (7000, Condition.MISSING), (8000, Condition.MISSING))
    assert (_after(*lost).losses, _after(*lost).since) == (1, 5000)
    assert _after(*lost).told(Millis(17_400)) == "missing for 12 s"
    back = _after(*lost, (20_000, Condition.WORKING))
    assert (back.losses, back.since, back.rate_hz, back.told(Millis(99_000))) == (1, 20_000, 16_000, "working")
    assert _after(*lost, (20_000, Condition.WORKING), (30_000, Condition.MISSING)).losses == 2


def test_a_lost_device_keeps_the_rate_that_it_had() -> None:
    """What stands in for it has the same."""
    assert _after((0, Condition.WORKING), (1, Condition.MISSING)).rate_hz == 16_000


def test_only_what_is_lost_is_tried_again() -> None:
    """A microphone that gives zeros, or too much, is there; but somebody has to see to it."""
    assert [condition for condition in Condition if condition.is_lost] == [Condition.MISSING, Condition.STALLED]
    assert [condition for condition in Condition if not condition.is_trouble] == [Condition.OPENING, Condition.WORKING]
