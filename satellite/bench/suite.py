"""The scenes of the bench, as data: every line follows from the corpus, the size of the suite, and one seed.

A suite is a list of groups. Each group changes one thing of an ordinary barge-in - an answer that is talked over at -10 dB, in a
quiet room, not the first after the start - and everything that is not said is drawn from the corpus' half.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np

from satellite.bench.corpus import Clip, Corpus
from satellite.bench.scene import REFURNISHED, Kind, Scene, When

# everybody's conditions: the user at 2 m is this far below the echo of a loudspeaker 8 cm from the microphone
ORDINARY_SER_DB = -10.0

# a session is a minute and a half of replies, one after another, to nobody
SESSION_REPLIES = 10

# RT60 that the rooms are taken to have where a group refurnishes them; the corpus' own are 0.25 to 0.56 s
_ROOM_RT60_S = 0.5


class Size(StrEnum):
    """How long one is ready to wait."""

    MINI = "mini"
    STANDARD = "standard"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Amount:
    """What a size means: of the clips of a kind at each level, of scenes in each group that changes one thing; sessions."""

    every: int | None
    """None: all clips, none left out."""
    each: int
    sessions: int
    """Of `SESSION_REPLIES` replies without a user, in each group."""
    background: int
    loudly: int
    """The same, where something that talks or plays is on."""


AMOUNTS = {Size.MINI: Amount(3, 1, 1, 1, 1), Size.STANDARD: Amount(40, 12, 6, 3, 10), Size.FULL: Amount(None, 12, 26, 4, 16)}


def scenes(corpus: Corpus, size: Size, seed: int) -> list[Scene]:
    """All of a suite, in a fixed order; without those that need another room than the only one."""
    maker = _Maker(corpus, AMOUNTS[size], seed)
    drawn = [*maker.users(), *maker.conditions(), *maker.short_ones(), *maker.nobody(), *maker.answers()]
    # left out only now, so that the others keep their numbers and dice
    return drawn if len(corpus.rooms) > 1 else [scene for scene in drawn if not _needs_other_room(scene)]


def _needs_other_room(scene: Scene) -> bool:
    return any(gain_db is None for _, gain_db in scene.path_changes)


class _Maker:
    def __init__(self, corpus: Corpus, amount: Amount, seed: int) -> None:
        self._corpus, self._amount, self._seed = corpus, amount, seed
        self._dice = np.random.default_rng(seed)
        self._count = 0

    # ---- the groups

    def users(self) -> Iterator[Scene]:
        """Everybody, at each level."""
        for ser_db in (0.0, -10.0, -15.0, 10.0, -20.0):
            yield from self._said(Kind.USER, self._corpus.users, self._amount.every, f"SER {ser_db:+.0f} dB", ser_db=ser_db)

    def conditions(self) -> Iterator[Scene]:
        """One thing is different."""
        for group, changes in _CONDITIONS:
            yield from self._said(Kind.USER, self._corpus.users, self._amount.each, group, **changes)
        for group, rt60_s in (("RT60 0.2 s", 0.2), ("RT60 0.4 s", 0.4), ("RT60 0.7 s", 0.7)):
            for scene in self._said(Kind.USER, self._corpus.users, self._amount.each, group):
                yield replace(scene, room=f"{scene.room}{REFURNISHED}{_ROOM_RT60_S}to{rt60_s}")
        for name in _NOISES:
            for snr_db in (20.0, 10.0, 5.0):
                yield from self._in_noise(name, snr_db)
        for name in _ALIVE:
            yield from self._in_noise(name, 6.0)

    def short_ones(self) -> Iterator[Scene]:
        """What may be meant, or not."""
        corpus, every = self._corpus, self._amount.every
        for ser_db in (0.0, -10.0):
            at = f"{ser_db:+.0f} dB"
            yield from self._said(Kind.WORD, corpus.words, every, f"one-word commands, SER {at}", ser_db=ser_db)
            yield from self._said(Kind.WORD, corpus.other_words, every, f"other short words, SER {at}", ser_db=ser_db)
            yield from self._said(Kind.BACKCHANNEL, corpus.backchannels, every, f"backchannels, SER {at}", ser_db=ser_db)
            yield from self._said(Kind.COUGH, corpus.coughs, every, f"coughs, SER {at}", ser_db=ser_db)
            for sound in ("laugh", "door"):
                made = [Clip(sound, "", "", 0.0, 0.5)] * (self._amount.each)
                yield from self._said(Kind.SOUND, made, None, f"{sound}, SER {at}", ser_db=ser_db)

    def nobody(self) -> Iterator[Scene]:
        """Replies, and the room."""
        for group, changes in _ALONE:
            yield from self._session(Kind.ECHO, group, self._amount.sessions, **changes)
        for name in _NOISES:
            path = self._corpus.noise(name)
            for snr_db in (10.0, 20.0):
                if path is not None:
                    group = f"{name} on, {snr_db:.0f} dB below the answer"
                    count = self._amount.loudly if name in _ALIVE else self._amount.background
                    yield from self._session(Kind.BACKGROUND, group, count, noise=path, snr_db=snr_db)

    def answers(self) -> Iterator[Scene]:
        """After the user's own words; behind all others, whose numbers stay what they were."""
        group = "just after a command of the same user"
        yield from self._said(Kind.USER, self._corpus.users, self._amount.each, group, is_answer=True)

    # ---- what they are made of

    def _in_noise(self, name: str, snr_db: float) -> Iterator[Scene]:
        path = self._corpus.noise(name)
        if path is not None:
            group = f"{name} on, user {snr_db:.0f} dB above it"
            yield from self._said(Kind.USER, self._corpus.users, self._amount.each, group, noise=path, snr_db=snr_db)

    def _said(self, kind: Kind, clips: Sequence[Clip], most: int | None, group: str, **changes: Any) -> Iterator[Scene]:
        """Each clip once, or so many of them."""
        order = self._dice.permutation(len(clips))
        for index in order if most is None else order[:most]:
            yield self._scene(kind, group, clip=clips[index].path, **changes)

    def _session(self, kind: Kind, group: str, count: int, **changes: Any) -> Iterator[Scene]:
        for _ in range(count):
            yield self._scene(kind, group, **{"replies": SESSION_REPLIES, **changes})

    def _scene(self, kind: Kind, group: str, **changes: Any) -> Scene:
        self._count += 1
        room = self._corpus.rooms[self._dice.integers(len(self._corpus.rooms))]
        distances = self._corpus.distances_m(room)
        drawn = {
            "room": room,
            "talker_m": distances[self._dice.integers(len(distances))],
            "reply": self._corpus.replies[self._dice.integers(len(self._corpus.replies))].path,
            "ser_db": ORDINARY_SER_DB,
            "replies": 2,
        }
        seed = zlib.crc32(f"{self._seed} {self._count}".encode())
        return Scene(id=f"{self._count:05d}", kind=kind, group=group, seed=seed, **{**drawn, **changes})


# what a detector may take for somebody
_ALIVE = ("tv", "music", "babble")
_NOISES = (*_ALIVE, "kitchen", "dishes", "vacuum", "traffic")

_CONDITIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("first answer after the start", {"replies": 1}),
    ("first answer, no start-up sound", {"replies": 1, "warm_up": False}),
    ("before the answer begins", {"when": When.BEFORE}),
    ("in its first 300 ms", {"when": When.FIRST}),
    ("in its last 300 ms", {"when": When.LAST}),
    ("begins almost in a whisper", {"soft_start": True}),
    ("latency 10 ms", {"latency_ms": 10.0}),
    ("latency 50 ms", {"latency_ms": 50.0}),
    ("latency 120 ms", {"latency_ms": 120.0}),
    ("latency 250 ms", {"latency_ms": 250.0}),
    ("jitter 5 ms", {"jitter_ms": 5.0}),
    ("clocks 50 ppm apart", {"ppm": 50.0}),
    ("clocks 100 ppm apart", {"ppm": 100.0}),
    ("loudspeaker 1 % THD", {"thd": 0.01}),
    ("loudspeaker 5 % THD", {"thd": 0.05}),
    ("loudspeaker 10 % THD", {"thd": 0.1}),
    ("limiter", {"limiter": True}),
    ("echo path +10 dB just before", {"path_changes": ((0.3, 10.0),)}),
    ("echo path +20 dB just before", {"path_changes": ((0.3, 20.0),)}),
    ("another echo path just before", {"path_changes": ((0.3, None),)}),
)

# every 12 s something about the echo path is different, and then as it was
_STEPS_S = tuple(range(6, 90, 12))

_ALONE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("answers alone", {}),
    ("first answers after the start", {"replies": 1}),
    ("first answers, no start-up sound", {"replies": 1, "warm_up": False}),
    ("latency 10 ms", {"latency_ms": 10.0}),
    ("latency 50 ms", {"latency_ms": 50.0}),
    ("latency 120 ms", {"latency_ms": 120.0}),
    ("latency 250 ms", {"latency_ms": 250.0}),
    ("jitter 5 ms", {"jitter_ms": 5.0}),
    ("clocks 50 ppm apart", {"ppm": 50.0}),
    ("clocks 100 ppm apart", {"ppm": 100.0}),
    ("loudspeaker 1 % THD", {"thd": 0.01}),
    ("loudspeaker 5 % THD", {"thd": 0.05}),
    ("loudspeaker 10 % THD", {"thd": 0.1}),
    ("limiter", {"limiter": True}),
    ("amplifier turned up and down by 6 dB", {"path_changes": tuple((s, 6.0 * (i % 2 == 0)) for i, s in enumerate(_STEPS_S))}),
    ("echo path +10 dB and back", {"path_changes": tuple((s, 10.0 * (i % 2 == 0)) for i, s in enumerate(_STEPS_S))}),
    ("echo path +20 dB and back", {"path_changes": tuple((s, 20.0 * (i % 2 == 0)) for i, s in enumerate(_STEPS_S))}),
    ("another echo path now and then", {"path_changes": tuple((s, None) for s in _STEPS_S)}),
)
