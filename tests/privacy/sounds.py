"""What is to be heard in the room: the few recordings that come with the package, or a folder with many more."""

from dataclasses import dataclass, field
from pathlib import Path

from satellite.audio.card import Samples
from satellite.bench.corpus import Clip, Corpus, Half, load_wav
from satellite.core.units import RATE_HZ
from satellite.mock.recordings import recording
from satellite.simulate.signals import Signal, signal

# a question, and the beginning of a story
_LONGEST_ANSWER_S = 8


@dataclass(frozen=True)
class Sounds:
    """By what they are."""

    words: tuple[str, ...]
    """The wake words that are listened for."""
    wakes: list[Samples]
    speech: list[Samples]
    asides: list[Samples] = field(repr=False)
    """Coughs, and what listeners say."""
    noises: list[Samples] = field(repr=False)
    answers: list[Samples] = field(repr=False)
    rooms: list[tuple[Signal, Signal]] = field(repr=False)
    """From the loudspeaker and from the talker to the microphone."""


def package() -> Sounds:
    """Those that come with it."""
    return Sounds(
        words=("alexa",),
        wakes=[recording("tts_alexa_joe"), recording("tts_alexa_heart")],
        speech=[recording("tts_lights_joe"), recording("tts_lights_heart"), recording("tts_stop_joe")],
        asides=[recording("cough_synth_1"), recording("tts_uhhuh_joe")],
        noises=[recording("kitchen_synth_short"), recording("sim_dt_own_lpb")],
        answers=[recording("heart_medium_67966")],
        rooms=[(signal(recording("sim7_spk8cm")), signal(recording("sim7_talk2m")))],
    )


def corpus(root: Path) -> Sounds:
    """Those of a folder with a manifest, as the bench has it. SatelliteError if it is none."""
    every = Corpus(root, Half.ALL)
    asides = [*every.backchannels, *every.coughs, *every.other_words]
    others = [load_wav(path) for path in sorted((root / "wake_negative").glob("*.wav"))]
    return Sounds(
        # all whose models come with the package
        words=("alexa", "okay_nabu", "hey_jarvis", "hey_mycroft"),
        wakes=[load_wav(path) for path in sorted((root / "wake").glob("*.wav"))],
        speech=[*(every.wav(clip.path) for clip in every.users), *others],
        asides=[every.wav(clip.path) for clip in asides],
        noises=[every.wav(path) for path in every.noises],
        answers=[_beginning(every, clip) for clip in every.replies],
        rooms=[
            (signal(every.response(room, "spk8cm")), signal(every.response(room, f"talk{metres}m")))
            for room in every.rooms
            for metres in every.distances_m(room)
        ],
    )


def _beginning(every: Corpus, clip: Clip) -> Samples:
    return every.wav(clip.path)[: _LONGEST_ANSWER_S * RATE_HZ]
