"""What the real servers do, without us: what our clients of them, and our mocks of them, rely on."""

import asyncio

import numpy as np
import pytest
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeVoice

from satellite.mock.recordings import COMMAND, SPOKEN, recording
from tests.servers.processes import Server
from tests.servers.wire import Speech, connection, describe, receive, send, speeches, spoken, transcribe
from tests.servers.words import word_error_rate

pytestmark = pytest.mark.servers

LIGHT = "The kitchen light is on."
WARM = "It is twenty degrees in the living room."
# a sentence is spoken when the next begins, or when a blank line ends its paragraph
PARAGRAPH = "\n\n"

INTERRUPT = Event("interrupt", {"phase": "confirmed"})
START = SynthesizeStart().event()
STOP = SynthesizeStop().event()


def chunk(text: str) -> Event:
    """A piece of a text that is still being written."""
    return SynthesizeChunk(text=text).event()


def types(events: list[Event]) -> list[str]:
    """Of all of them; audio that was cut in pieces counts once."""
    of = [event.type for event in events]
    return [name for before, name in zip(["", *of], of, strict=False) if (before, name) != ("audio-chunk", "audio-chunk")]


def speech(seconds: float, of: Speech) -> None:
    """AssertionError unless it is about as long, and loud enough to be heard."""
    assert of.seconds == pytest.approx(seconds, rel=0.3)
    assert np.abs(np.frombuffer(of.pcm, "<i2").astype(int)).max() > 3000


async def _ask(port: int, *events: Event, until: str) -> list[Event]:
    """What comes back for these."""
    async with connection(port) as client:
        await send(client, *events)
        return await receive(client, until)


# --- Whisper


def test_whisper_says_what_it_can(whisper: Server) -> None:
    """It does not send its words as they come, and wants to be told where the speech ends."""
    asr = asyncio.run(describe(whisper.port)).asr[0]
    assert (asr.supports_transcript_streaming, asr.requires_external_vad) == (False, True)


@pytest.mark.parametrize("name", ["tts_lights_joe", "tts_lights_heart", "tts_stop_joe"])
def test_whisper_understands_our_recordings(whisper: Server, name: str) -> None:
    """Every word of the commands that scenes are made of."""
    assert word_error_rate(SPOKEN[name], asyncio.run(transcribe(whisper.port, recording(name)))) == 0


def test_whisper_closes_after_one_transcript(whisper: Server) -> None:
    """Nothing before it, nothing after it: a connection is good for one request."""
    events = asyncio.run(_ask(whisper.port, *spoken(recording("tts_lights_joe")), until="never"))
    assert types(events) == ["transcript"]


def test_whisper_is_silent_about_silence(whisper: Server) -> None:
    """An empty transcript, not none."""
    events = asyncio.run(_ask(whisper.port, *spoken(np.zeros(0, np.int16)), until="never"))
    assert [event.data["text"] for event in events] == [""]


def test_whisper_does_not_mind_an_interrupt(whisper: Server) -> None:
    """It knows nothing of it: before, between and after the audio."""
    transcribe_, start, *audio, stop = spoken(recording("tts_lights_joe"))
    middle = len(audio) // 2
    story = [INTERRUPT, transcribe_, start, *audio[:middle], INTERRUPT, *audio[middle:], stop, INTERRUPT]
    answer = asyncio.run(_ask(whisper.port, *story, until="transcript"))[-1]
    assert word_error_rate(COMMAND, answer.data["text"]) == 0


# --- Piper


def test_piper_says_what_it_can(piper: Server) -> None:
    """It takes text as it comes; of its hundred voices it has the one that it was started with."""
    tts = asyncio.run(describe(piper.port)).tts[0]
    assert tts.supports_synthesize_streaming
    assert "en_US-joe-medium" in {voice.name for voice in tts.voices}


def test_piper_speaks_a_sentence(piper: Server) -> None:
    """By `synthesize`."""
    events = asyncio.run(_ask(piper.port, Synthesize(text=LIGHT).event(), until="audio-stop"))
    assert types(events) == ["audio-start", "audio-chunk", "audio-stop"]
    (said,) = speeches(events)
    assert said.rate_hz == 22_050
    speech(1.35, said)


def test_piper_speaks_a_text_as_one(piper: Server) -> None:
    """By `synthesize` sentences have no borders: one `audio-start`, one `audio-stop`."""
    events = asyncio.run(_ask(piper.port, Synthesize(text=f"{LIGHT} {WARM}").event(), until="audio-stop"))
    (said,) = speeches(events)
    speech(1.35 + 2.05, said)


def test_piper_speaks_a_stream_sentence_by_sentence(piper: Server) -> None:
    """Each with its own `audio-start` and `audio-stop`; the whole text, meant for servers that do not stream, is let be."""
    whole = Synthesize(text=f"{LIGHT} {WARM}").event()
    words = [chunk(word + " ") for word in f"{LIGHT} {WARM}".split()]
    events = asyncio.run(_ask(piper.port, START, *words, whole, STOP, until="synthesize-stopped"))
    assert types(events) == ["audio-start", "audio-chunk", "audio-stop"] * 2 + ["synthesize-stopped"]
    first, second = speeches(events)
    speech(1.35, first)
    speech(2.05, second)


def test_piper_speaks_a_sentence_when_the_next_begins(piper: Server) -> None:
    """Its full stop is not enough, nor is a space or a line's end after it: `describe` is answered, and nothing was spoken."""
    for tail in ("", " ", "\n"):
        events = asyncio.run(_ask(piper.port, START, chunk(LIGHT + tail), Describe().event(), until="info"))
        assert types(events) == ["info"]
        events = asyncio.run(_ask(piper.port, START, chunk(LIGHT + tail), chunk(" It"), Describe().event(), until="info"))
        assert types(events) == ["audio-start", "audio-chunk", "audio-stop", "info"]


def test_piper_speaks_a_sentence_before_a_blank_line_at_once(piper: Server) -> None:
    """So that who has a whole sentence need not wait for the next; which is spoken after it, and no empty one between them."""

    async def story() -> None:
        async with connection(piper.port) as client:
            await send(client, START, chunk(LIGHT + PARAGRAPH))
            (first,) = speeches(await receive(client, "audio-stop"))
            await send(client, chunk(WARM + PARAGRAPH), STOP)
            (second,) = speeches(await receive(client, "synthesize-stopped"))
        speech(1.35, first)
        speech(2.05, second)

    asyncio.run(story())


def test_piper_takes_a_second_stream_but_no_text_after_it(piper: Server) -> None:
    """After a stream it holds every `synthesize` for the repetition of one: a connection a request, or streams only."""

    async def story() -> None:
        async with connection(piper.port) as client:
            for _ in range(2):
                await send(client, START, chunk(LIGHT), STOP)
                assert len(speeches(await receive(client, "synthesize-stopped"))) == 1
            await send(client, Synthesize(text=LIGHT).event(), Describe().event())
            assert types(await receive(client, "info")) == ["info"]

    asyncio.run(story())


def test_piper_does_not_mind_an_interrupt(piper: Server) -> None:
    """Nor does it stop for one: only closing the connection does that."""
    story = [INTERRUPT, START, INTERRUPT, chunk(LIGHT + PARAGRAPH), INTERRUPT, chunk(WARM), STOP, INTERRUPT]
    assert len(speeches(asyncio.run(_ask(piper.port, *story, until="synthesize-stopped")))) == 2


def test_piper_stops_working_when_the_client_has_gone(piper: Server) -> None:
    """At the end of the sentence that it is at: of thirty, not more than the two that it can be ahead of who reads."""
    abandoned = "Nobody listens to this."
    others = [f"But somebody listens to number {i}." for i in range(10)]

    async def story() -> None:
        async with connection(piper.port) as client:
            await send(client, Synthesize(text=" ".join([abandoned] * 30)).event())
            await receive(client, "audio-start")
        # sentences of two clients take turns, so it would have got on as far
        await _ask(piper.port, Synthesize(text=" ".join(others)).event(), until="audio-stop")

    asyncio.run(story())
    assert 1 <= piper.log.read_text("utf-8").count(f"raw_text={abandoned},") <= 4


def test_piper_refuses_a_voice_it_does_not_have(piper: Server) -> None:
    """An `error`, and the connection is closed."""
    unknown = Synthesize(text=LIGHT, voice=SynthesizeVoice(name="nobody")).event()
    assert types(asyncio.run(_ask(piper.port, unknown, until="never"))) == ["error"]


def test_whisper_understands_piper(whisper: Server, piper: Server) -> None:
    """Both are what they say, end to end; a word may be wrong, for Piper's voice is never twice the same."""

    async def story() -> str:
        (said,) = speeches(await _ask(piper.port, Synthesize(text=WARM).event(), until="audio-stop"))
        return await transcribe(whisper.port, np.frombuffer(said.pcm, "<i2"), said.rate_hz)

    assert word_error_rate(WARM.replace("twenty", "20"), asyncio.run(story())) <= 1 / 8
