"""Wyoming's words for services that understand, answer and speak: what we ask them, and what they say they can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wyoming.asr import Transcribe, Transcript
from wyoming.event import Event as WireEvent
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from satellite.core.interrupt import Interrupt, Phase
from satellite.errors import PeerError
from satellite.peer.codec import count_of, objects, text_of

# of one command, as it was understood: a quarter of an hour of speech
MOST_TRANSCRIPT_CHARACTERS = 16 * 1024

# somebody else's id of a conversation goes back to him as it is, if it is none of somebody who means harm
_LONGEST_ID = 200


class Kind(StrEnum):
    """What a service does, by its name in `info`."""

    STT = "asr"
    INTENT = "intent"
    DIALOG = "handle"
    TTS = "tts"


@dataclass(frozen=True, slots=True)
class About:
    """What a server says of itself, as far as it matters here."""

    name: str = ""
    streams: bool = False
    """Whether it can begin before it has all of its input, or give its answer piece by piece."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Whom to speak as; the server's own voice where nothing is said."""

    name: str | None = None
    speaker: str | None = None
    language: str | None = None

    def wire(self) -> SynthesizeVoice | None:
        """As Wyoming has it: a name, or else a language."""
        if self.name is None and self.language is None:
            return None
        return SynthesizeVoice(name=self.name, speaker=self.speaker, language=self.language)


_STREAMING_KEYS = {
    Kind.STT: "supports_transcript_streaming",
    Kind.DIALOG: "supports_handled_streaming",
    Kind.TTS: "supports_synthesize_streaming",
}


def about(info: WireEvent, kind: Kind) -> About | None:
    """What a server's `info` says of a service of this kind; None if it has none that is installed."""
    for program in objects(info.data.get(kind.value)):
        if program.get("installed") is not False:
            streams = program.get(_STREAMING_KEYS.get(kind, "")) is True
            return About(text_of(program, "name")[:_LONGEST_ID], streams)
    return None


# ---- speech to text


def transcribe(language: str | None, model: str | None) -> WireEvent:
    """Asks for words; the audio follows."""
    return Transcribe(name=model, language=language).event()


# ---- dialog


def question(text: str, language: str | None, conversation_id: str) -> WireEvent:
    """What the user has said, in which conversation."""
    return Transcript(text=text, language=language, context={"conversation_id": conversation_id}).event()


def conversation_of(event: WireEvent) -> str | None:
    """Which conversation a server says that its answer belongs to."""
    context = event.data.get("context")
    id = context.get("conversation_id") if isinstance(context, Mapping) else None
    return id if isinstance(id, str) and 0 < len(id) <= _LONGEST_ID else None


def with_conversation(event: WireEvent, conversation_id: str) -> WireEvent:
    """An intent as the server that carries it out gets it."""
    context = event.data.get("context")
    known = dict(context) if isinstance(context, Mapping) else {}
    return WireEvent(event.type, {**event.data, "context": {**known, "conversation_id": conversation_id}})


def interrupt(interruption: Interrupt, heard: str, conversation_id: str) -> WireEvent:
    """An interruption as a dialog server gets it: `text` is what was heard, so that it can cut its memory there."""
    data: dict[str, Any] = interruption.data()
    data |= {"text": heard, "text_offset": len(heard), "context": {"conversation_id": conversation_id}}
    return WireEvent("interrupt", data)


def superseded(conversation_id: str) -> WireEvent:
    """The answer to an early question is not needed: nobody has heard anything of it."""
    data = {"phase": Phase.CONFIRMED.value, "reason": "superseded", "played_ms": 0, "heard_ms": 0, "text": "", "text_offset": 0}
    return WireEvent("interrupt", data | {"context": {"conversation_id": conversation_id}})


# ---- text to speech


def synthesize(text: str, voice: Voice) -> WireEvent:
    """All that is to be spoken."""
    return Synthesize(text=text, voice=voice.wire()).event()


def synthesize_start(voice: Voice) -> WireEvent:
    """What is to be spoken comes piece by piece."""
    return SynthesizeStart(voice=voice.wire()).event()


def synthesize_chunk(text: str) -> WireEvent:
    """A piece: a whole sentence, and what makes a splitter of sentences give it out without waiting for the next."""
    return SynthesizeChunk(text=f"{text}\n\n").event()


def synthesize_stop() -> WireEvent:
    """No more comes."""
    return SynthesizeStop().event()


# ---- what all of them say


def error_of(event: WireEvent) -> str:
    """What a server says went wrong, in a line."""
    words = " ".join(text_of(event.data, "text").split()) or "an error without words"
    return words[:_LONGEST_ID]


def audio_of(event: WireEvent) -> tuple[bytes, int, int, int]:
    """A piece of speech: its samples, and their rate in Hz, width in bytes and number of channels. PeerError if it has none."""
    rate_hz, width, channels = (count_of(event, key) for key in ("rate", "width", "channels"))
    if not (rate_hz and width and channels):
        raise PeerError(f"audio-chunk: rate, width and channels are {rate_hz}, {width}, {channels}")
    return event.payload or b"", rate_hz, width, channels
