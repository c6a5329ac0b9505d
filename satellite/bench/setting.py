"""What a scene's line stands for: the room with its noise, the card, the user's words at their level, and when they come."""

from dataclasses import dataclass

import numpy as np

from satellite.audio.card import Samples
from satellite.bench import sounds
from satellite.bench.corpus import Clip, Corpus
from satellite.bench.scene import REFURNISHED, Kind, Scene, When
from satellite.core.units import RATE_HZ, frames
from satellite.simulate.card import SimulatedCard
from satellite.simulate.clock import VirtualClock
from satellite.simulate.loudspeaker import Chain, Limiter, Loudspeaker, SoftClip
from satellite.simulate.room import Room, ser_gain_db
from satellite.simulate.signals import Signal, active_level_db, signal

# a quiet living room at night, at the microphone
ROOM_NOISE_DBFS = -62.0
_NOISE_S = 20

# not zero: nothing may depend on when a machine was started
_START_S = 100.0

# of the device's latency, what lies before the loudspeaker; a microphone's own is about 6 ms
_MICROPHONE_MS = 6.0

# from `play` to the reply's first sample at the loudspeaker, beside the device's latency: the next period, and the queue
_BEGINS_AFTER_MS = 40.0


@dataclass(frozen=True, slots=True)
class Setting:
    """All that is needed to play a scene, as often as it has rules. The samples are the scene's own."""

    scene: Scene
    replies: tuple[Samples, ...]
    noise: Signal
    echo_ir: Signal
    other_echo_ir: Signal
    talker_ir: Signal
    words: Samples | None
    into_s: float
    """Of the user's onset, from where the last reply is to begin."""

    @property
    def first_counted(self) -> int:
        """The first of the replies that count."""
        return len(self.replies) - 1 if self.words is not None else 0

    def open(self) -> tuple[Room, SimulatedCard, VirtualClock]:
        """The same room every time, and nothing has happened in it yet."""
        scene, clock = self.scene, VirtualClock(_START_S)
        seconds = sum(len(reply) for reply in self.replies) / RATE_HZ + 5.0 * len(self.replies) + 10.0
        room = Room(self.echo_ir, self.talker_ir, self.noise, self._loudspeaker(), record_s=int(seconds) + 1)
        card = SimulatedCard(
            room,
            clock,
            out_latency_ms=self._out_latency_ms,
            in_latency_ms=scene.latency_ms - self._out_latency_ms,
            ppm=scene.ppm,
            jitter_ms=scene.jitter_ms,
            seed=scene.seed,
        )
        return room, card, clock

    def _loudspeaker(self) -> Loudspeaker:
        stages: list[Loudspeaker] = []
        if self.scene.limiter:
            stages.append(Limiter())
        if self.scene.thd:
            stages.append(SoftClip(self.scene.thd))
        return Chain(*stages)

    @property
    def _out_latency_ms(self) -> float:
        return max(self.scene.latency_ms - _MICROPHONE_MS, 1.0)

    @property
    def out_latency_frames(self) -> int:
        """From the card to the loudspeaker."""
        return frames(self._out_latency_ms)

    def starts_at(self, play_frame: int) -> int:
        """Where the last reply will begin to sound, if it is asked for now."""
        return play_frame + frames(_BEGINS_AFTER_MS + self._out_latency_ms)

    def gain_db(self, room: Room) -> float:
        """Of the user's recording, for his level at the microphone."""
        assert self.words is not None
        return ser_gain_db(room, self.replies[-1], self.words, self.scene.ser_db)


def set_up(scene: Scene, corpus: Corpus) -> Setting:
    """Reads a scene's recordings. SatelliteError if one is missing."""
    dice = np.random.default_rng(scene.seed)
    replies = _replies(scene, corpus, dice)
    echo_ir, talker_ir = _responses(scene.room, scene.talker_m, corpus)
    other = corpus.rooms[(corpus.rooms.index(_base(scene.room)) + 1) % len(corpus.rooms)]
    words = _words(scene, corpus)
    into_s = _into_s(scene, len(replies[-1]) / RATE_HZ, dice)
    noise = _noise(scene, corpus, replies[-1], words, echo_ir, talker_ir, dice)
    return Setting(scene, replies, noise, echo_ir, _responses(other, scene.talker_m, corpus)[0], talker_ir, words, into_s)


def _base(room: str) -> str:
    return room.split(REFURNISHED)[0]


def _responses(room: str, talker_m: int, corpus: Corpus) -> tuple[Signal, Signal]:
    name, _, rt60 = room.partition(REFURNISHED)
    pair = corpus.response(name, "spk8cm"), corpus.response(name, f"talk{talker_m}m")
    if not rt60:
        return signal(pair[0]), signal(pair[1])
    measured, wanted = (float(value) for value in rt60.split("to"))
    return sounds.furnished(pair[0], measured, wanted), sounds.furnished(pair[1], measured, wanted)


def _replies(scene: Scene, corpus: Corpus, dice: np.random.Generator) -> tuple[Samples, ...]:
    """The scene's own is the last; those before it are any."""
    before = [corpus.wav(corpus.replies[dice.integers(len(corpus.replies))].path) for _ in range(scene.replies - 1)]
    return (*before, corpus.wav(scene.reply))


def _words(scene: Scene, corpus: Corpus) -> Samples | None:
    match scene.clip:
        case None:
            return None
        case "door":
            return sounds.door(scene.seed)
        case "laugh":
            return sounds.laugh(scene.seed)
    words = corpus.words_of(_clip(scene.clip, corpus))
    return sounds.softly_begun(words) if scene.soft_start else words


def _clip(path: str, corpus: Corpus) -> Clip:
    known = (*corpus.users, *corpus.backchannels, *corpus.coughs, *corpus.other_words)
    return next(clip for clip in known if clip.path == path)


def _into_s(scene: Scene, reply_s: float, dice: np.random.Generator) -> float:
    if scene.kind in (Kind.ECHO, Kind.BACKGROUND):
        return 0.0
    match scene.when:
        case When.BEFORE:
            return -0.25
        case When.FIRST:
            return dice.uniform(0.0, 0.3)
        case When.LAST:
            return reply_s - dice.uniform(0.05, 0.3)
        case When.MIDDLE:
            return dice.uniform(0.4, max(reply_s - 2.0, 0.5))


def _noise(
    scene: Scene,
    corpus: Corpus,
    reply: Samples,
    words: Samples | None,
    echo_ir: Signal,
    talker_ir: Signal,
    dice: np.random.Generator,
) -> Signal:
    """The room's own, and what else is on in it; it begins anywhere in its recording, and repeats."""
    own = (dice.standard_normal(_NOISE_S * RATE_HZ) * 10 ** (ROOM_NOISE_DBFS / 20)).astype(np.float32)
    if scene.noise is None:
        return own
    recorded = signal(corpus.wav(scene.noise))
    room = Room(echo_ir, talker_ir, np.zeros(0, np.float32))
    loudness: float = active_level_db(room.echo_of(signal(reply)))
    if words is not None:
        loudness = active_level_db(room.voice_of(signal(words))) + ser_gain_db(room, reply, words, scene.ser_db)
    gain_db = loudness - (scene.snr_db or 0.0) - active_level_db(recorded)
    rolled = np.roll(recorded, -int(dice.integers(len(recorded))))
    mixed: Signal = rolled * np.float32(10 ** (gain_db / 20)) + np.resize(own, len(rolled))
    return mixed
