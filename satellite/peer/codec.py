"""Wyoming's words and ours: the only place that knows both."""

import re
import reprlib
from collections.abc import Iterator, Sequence
from typing import Any

from wyoming.audio import AudioChunk, AudioFormat, AudioStart, AudioStop
from wyoming.event import Event as WireEvent
from wyoming.info import Attribution, Describe, Info, MicProgram, Satellite, SndProgram
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.snd import Played
from wyoming.wake import Detect, Detection

from satellite import __version__
from satellite.core import events as ev
from satellite.core.interrupt import Interrupt
from satellite.core.timers import Timer, TimerChange
from satellite.core.units import RATE_HZ, Millis
from satellite.errors import PeerError

_WIDTH = 2
_OURS = Attribution(name="satellite", url="")

# Home Assistant's ids have 26 characters, and nobody says a longer name
_LONGEST_TEXT = 100
# a year
_LONGEST_TIMER_S = 366 * 24 * 3600

# the counters of any peer hold less; a number of thousands of digits cannot even be shown
_MOST_COUNT = 1 << 63

# openWakeWord's service names its models after their files: alexa_v0.1
_MODEL_VERSION = re.compile(r"[ _]v[0-9.]+$")


def to_core(event: WireEvent, at: Millis) -> ev.Event | None:
    """What a hub's event means to the conversation; None for audio, and for what concerns nobody here."""
    data: dict[str, Any] = event.data
    match event.type:
        case "detection":
            return ev.HubWoke(at, text_of(data, "name"))
        case "transcribe":
            return ev.HubReady(at)
        case "voice-stopped":
            return ev.HubHeardEnd(at)
        case "transcript":
            return ev.Transcript(at, text_of(data, "text"))
        case "synthesize":
            return ev.Answered(at, text_of(data, "text"))
        case "error":
            return ev.HubError(at, text_of(data, "code"), text_of(data, "text"))
        case "pause-satellite":
            return ev.HubPaused(at)
        case _:
            return None


def timer(event: WireEvent) -> Timer | None:
    """What a hub tells of a timer; None if it is about something else. PeerError if it makes no sense."""
    kind, _, change = event.type.partition("-")
    if kind != "timer" or change not in list(TimerChange):
        return None
    data: dict[str, Any] = event.data
    what = TimerChange(change)
    has_time = what in (TimerChange.STARTED, TimerChange.UPDATED)
    return Timer(
        what,
        _timer_id(event),
        text_of(data, "name")[:_LONGEST_TEXT],
        _timer_seconds(event) if has_time else None,
        is_active=data.get("is_active") is not False,
    )


def _timer_id(event: WireEvent) -> str:
    id = text_of(event.data, "id")
    if not 0 < len(id) <= _LONGEST_TEXT:
        raise PeerError(f"{event.type}: its id is no text of 1 to {_LONGEST_TEXT} characters")
    return id


def _timer_seconds(event: WireEvent) -> int:
    seconds = event.data.get("total_seconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= _LONGEST_TIMER_S:
        raise PeerError(f"{event.type}: total_seconds is not a count up to {_LONGEST_TIMER_S}")
    return seconds


def text_of(data: dict[str, Any], key: str) -> str:
    """A text of an event's data; empty if there is none."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def count_of(event: WireEvent, key: str) -> int | None:
    """A whole number of an event's data; None if there is none. PeerError if it is anything else."""
    value = event.data.get(key)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MOST_COUNT:
        raise PeerError(f"{event.type}: {key} is {reprlib.repr(value)}, not a count")
    return value


def detection(name: str, at: Millis) -> WireEvent:
    """A wake word was heard here."""
    return Detection(name=name, timestamp=at).event()


def run(pipeline: str | None = None) -> WireEvent:
    """Asks for a run from speech-to-text to speech; other last stages kill the run in several hubs.

    The pipeline's `name` is what wyoming-satellite sent. Home Assistant takes no notice of it, nor of `wake_word_name`: there
    each satellite has one pipeline, that of its `select` entity. It is for hubs that do.
    """
    event = RunPipeline(start_stage=PipelineStage.ASR, end_stage=PipelineStage.TTS, restart_on_end=False).event()
    if pipeline is not None:
        event.data["name"] = pipeline
    return event


def wake_run() -> WireEvent:
    """The same, from the wake word on. Never with `restart_on_end`: Home Assistant then stops reading after the first end."""
    return RunPipeline(start_stage=PipelineStage.WAKE, end_stage=PipelineStage.TTS, restart_on_end=False).event()


def abort() -> WireEvent:
    """Asks for a run that cannot start. It cancels the one that is alive, and does nothing else."""
    return RunPipeline(start_stage=PipelineStage.TTS, end_stage=PipelineStage.TTS, restart_on_end=False).event()


def audio(pcm: bytes, at: Millis) -> WireEvent:
    """A piece of the microphone that begins at this time."""
    return AudioChunk(rate=RATE_HZ, width=_WIDTH, channels=1, audio=pcm, timestamp=at).event()


def audio_start(at: Millis) -> WireEvent:
    """The microphone's audio follows."""
    return AudioStart(rate=RATE_HZ, width=_WIDTH, channels=1, timestamp=at).event()


def audio_stop(at: Millis) -> WireEvent:
    """The utterance is over."""
    return AudioStop(timestamp=at).event()


def played() -> WireEvent:
    """The last sound of the reply has left the speaker."""
    return Played().event()


def interrupt(interruption: Interrupt) -> WireEvent:
    """The user talks over the reply. Unknown to hubs of today, which ignore it."""
    return WireEvent(type="interrupt", data=interruption.data())


def info(name: str, area: str | None, wake_words: Sequence[str]) -> WireEvent:
    """Who we are. `supports_interrupt` is an extra key that hubs skip."""
    satellite = Satellite(
        name=name,
        area=area,
        description="A voice satellite that can be interrupted",
        attribution=_OURS,
        installed=True,
        version=__version__,
        has_vad=True,
        active_wake_words=list(wake_words),
        max_active_wake_words=len(wake_words),
    )
    form = AudioFormat(rate=RATE_HZ, width=_WIDTH, channels=1)
    common: dict[str, Any] = {"attribution": _OURS, "installed": True, "description": None, "version": __version__}
    event = Info(
        satellite=satellite,
        mic=[MicProgram(name="microphone", mic_format=form, **common)],
        snd=[SndProgram(name="speaker", snd_format=form, **common)],
    ).event()
    event.data["satellite"]["supports_interrupt"] = True
    return event


# ---- wake word services


def describe() -> WireEvent:
    """Asks a service what it has."""
    return Describe().event()


def detect(words: Sequence[str]) -> WireEvent:
    """Asks a wake word service to look for these."""
    return Detect(names=list(words)).event()


def detected(event: WireEvent) -> tuple[str, Millis | None]:
    """The word that a wake word service heard, and the time of the piece of audio with which it was complete, if told."""
    at = event.data.get("timestamp")
    return text_of(event.data, "name"), Millis(at) if isinstance(at, int) and not isinstance(at, bool) else None


def wake_words(info: WireEvent) -> list[str]:
    """The names of the words that a service says it has."""
    return [text_of(model, "name") for program in objects(info.data.get("wake")) for model in objects(program.get("models"))]


def plain_word(name: str) -> str:
    """A word's name as different services write it: `Hey Jarvis`, `hey_jarvis` and `hey_jarvis_v0.1` are one."""
    return _MODEL_VERSION.sub("", name.strip().lower()).replace(" ", "_").replace("-", "_")


def objects(value: object) -> Iterator[dict[str, Any]]:
    """Those of a list of objects that are such."""
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else iter(())
