"""What is asked of a device that refuses the usual, and what is said when there is nothing left to ask."""

import pytest

from satellite.audio.pcm_format import Ability, PcmFormat, Wish

ANY_RATE = range(4000, 200_000)


def wishes(ability: Ability, rate_hz: int = 16_000, channels: int = 1) -> list[Wish]:
    return list(ability.wishes(rate_hz, channels))


@pytest.mark.parametrize(
    ("ability", "channels", "first"),
    [
        (Ability(["S16_LE"], [48_000], [2]), 1, Wish(48_000, 2)),
        (Ability(["S32_LE", "S24_3LE"], [44_100, 96_000], [2, 6]), 1, Wish(44_100, 2, "S32_LE")),
        (Ability(["FLOAT_LE", "S24_3LE"], [8000, 16_000], [2, 8]), 6, Wish(16_000, 8, "S24_3LE")),
        (Ability(["S16_LE", "S24_LE"], [32_000], [1]), 1, Wish(32_000, 1)),
        (Ability(["S24_LE"], ANY_RATE, [4]), 1, Wish(16_000, 4, "S24_LE")),
        (Ability(["S16_LE"], range(8000, 32_000), [1]), 1, Wish(16_000, 1)),
    ],
)
def test_the_first_wish_is_the_nearest_that_the_device_can_do(ability: Ability, channels: int, first: Wish) -> None:
    """The wanted rate or a usual one, the fewest channels that suffice, and the cheapest format."""
    assert wishes(ability, channels=channels)[0] == first


def test_a_rate_out_of_a_range_is_not_asked() -> None:
    """The wanted rate comes first only if the device has it."""
    assert {wish.rate_hz for wish in wishes(Ability(["S16_LE"], range(8000, 48_001), [1]), 96_000)} == {48_000, 44_100, 16_000}


def test_combinations_are_asked_one_by_one_and_not_without_end() -> None:
    """Formats, channels and rates that do not go together are tried in turn; a device with very many has a bounded number."""
    ability = Ability(["S16_LE", "S32_LE"], [16_000, 48_000], range(1, 10_001))
    assert len(wishes(ability)) == len(set(wishes(ability))) == 8


@pytest.mark.parametrize(
    ("ability", "channels", "says"),
    [
        (Ability(["S16_LE"], [16_000], [1, 2]), 6, "has no more than 2 channels, and channel 5 is wanted"),
        (Ability(["S16_LE"], [16_000], [1]), 2, "has no more than 1 channel, and channel 1 is wanted"),
        (
            Ability(["U8", "FLOAT_LE"], [16_000], [1]),
            1,
            "has U8, FLOAT_LE samples; understood are S16_LE, S32_LE, S24_LE, S24_3LE",
        ),
        (Ability(["S16_LE"], [8000, 22_050], [1]), 1, "runs at 8000, 22050 Hz; needed are at least 16000 Hz, and whole"),
        (Ability(["S16_LE"], range(4000, 8001), [1]), 1, "runs at 4000 to 8000 Hz; needed"),
        (Ability(["S16_LE"], [], [1]), 1, "runs at no usual Hz; needed"),
        (Ability(["S16_LE"], [16_000], [1]), 1, "refuses every combination"),
    ],
)
def test_a_device_that_will_not_do_is_told_by_what_it_lacks(ability: Ability, channels: int, says: str) -> None:
    """The complaint names what the device has and what is needed."""
    assert ability.complaint(channels).startswith(says)


@pytest.mark.parametrize(
    ("rates", "known"), [(48_000, [48_000]), ((8000, 96_000), range(8000, 96_001)), ([16_000, 48_000], [16_000, 48_000])]
)
def test_rates_as_the_library_tells_them(rates: int | tuple[int, int] | list[int], known: range | list[int]) -> None:
    """One, a range, or some of the usual ones."""
    assert list(Ability.of({"S16_LE": 2}, rates, [2, 1]).rates_hz) == list(known)


@pytest.mark.parametrize(
    ("given", "granted"),
    [
        (PcmFormat("S16_LE", 48_000, 2, 480, 9600), True),
        (PcmFormat("S16_LE", 48_000, 6, 480, 9600), True),
        (PcmFormat("S16_LE", 48_000, 1, 480, 9600), False),
        (PcmFormat("S16_LE", 44_100, 2, 441, 8820), False),
        (PcmFormat("S32_LE", 48_000, 2, 480, 9600), False),
    ],
)
def test_more_channels_are_granted_but_nothing_else_instead(given: PcmFormat, granted: bool) -> None:
    """ALSA gives something else without a word, and period and buffer were measured for what was asked."""
    assert given.grants(Wish(48_000, 2)) is granted


def test_a_rate_without_whole_periods_is_not_granted() -> None:
    """Not even if it was asked for."""
    assert not PcmFormat("S16_LE", 22_050, 1, 220, 4410).grants(Wish(22_050, 1))
