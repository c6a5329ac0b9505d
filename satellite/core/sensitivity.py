"""How easily a reply gives way: three kinds of home, each a set of rules. Data; every number has its reason.

A voice session's usual profiles (probability, least speech, silence: quiet 0.4, 200 ms, 400 ms; normal 0.5, 250 ms, 500 ms;
noisy 0.7, 350 ms, 600 ms) are for a detector that hears no loudspeaker. Ours hears one, so `normal` has numbers of its own,
measured; the others stand to it as those profiles stand to each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from satellite.core.burst import BurstRule
from satellite.core.reflex import ReflexRule
from satellite.core.units import Millis


class Sensitivity(StrEnum):
    """What kind of home it is."""

    QUIET = "quiet"
    NORMAL = "normal"
    NOISY = "noisy"


@dataclass(frozen=True, slots=True)
class Profile:
    """Its rules: when a reply is lowered and held, and when what holds it is words."""

    reflex: ReflexRule
    burst: BurstRule


_QUIET = Profile(
    ReflexRule(
        # 0.4 to 0.5 of the usual profiles, for a likely voice and for a faint one
        duck_probability=0.24,
        faint_probability=0.10,
        # of every decibel that a user is softer he has 4 less here, so this is one decibel; echo alone stays below 8
        near_end_db=16.0,
    ),
    # 200 to 250, and 400 to 500: where nobody else talks a shorter voice means us. Longer than the closures inside a word
    BurstRule(commit_ms=Millis(400), quiet_ms=Millis(280)),
)

_NOISY = Profile(
    ReflexRule(
        # 0.7 to 0.5
        duck_probability=0.42,
        faint_probability=0.17,
        # as far from normal as a user 15 dB below his echo, who reaches 40, allows for with half of it to spare
        near_end_db=26.0,
        # of five windows: a syllable lasts for four and more, what falls or slams for fewer
        probe_hits=3,
    ),
    # 350 to 250, and 600 to 500: others talk too, and not to us. A reply goes on within 700 ms all the same
    BurstRule(commit_ms=Millis(700), quiet_ms=Millis(420)),
)

PROFILES: Mapping[Sensitivity, Profile] = {
    Sensitivity.QUIET: _QUIET,
    # measured on half the corpus' speakers and rooms
    Sensitivity.NORMAL: Profile(ReflexRule(), BurstRule()),
    Sensitivity.NOISY: _NOISY,
}
