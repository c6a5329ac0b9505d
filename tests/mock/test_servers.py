"""The mock servers as a client of theirs meets them: over TCP, in virtual time."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event
from wyoming.info import Info

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.mock import cli
from satellite.mock.agent import Agent, keyword_agent, piecewise, slow
from satellite.mock.dialog import MockDialog, MockIntent
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts, hum
from satellite.mock.wire import MockServer, connection, read, write
from satellite.simulate.virtual_time import run_virtually

CONTEXT = {"conversation_id": "c1"}
ASK = Event("transcript", {"text": "Is it on?", "language": "en", "context": CONTEXT})
SECOND_OF_SILENCE = np.zeros(RATE_HZ, np.int16)


class Client:
    """One connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *events: Event) -> None:
        for event in events:
            await write(self.writer, event)

    async def until(self, kind: str) -> list[Event]:
        """What comes, up to and with the next event of a type."""
        got: list[Event] = []
        while not got or got[-1].type != kind:
            event = await read(self.reader)
            assert event is not None, f"the end of the connection instead of {kind}, after {got}"
            got.append(event)
        return got

    async def end(self) -> None:
        """Passes if nothing more comes before the server closes."""
        assert await read(self.reader) is None


def play(server: MockServer, story: Coroutine[None, None, None]) -> None:
    """Plays a story while the server runs."""

    async def whole() -> None:
        async with server:
            await story

    run_virtually(whole())


def now_s() -> float:
    return asyncio.get_running_loop().time()


def audio(samples: Samples, size: int = 1600) -> list[Event]:
    """Chunks of it, 0.1 s each."""
    parts = [samples[at : at + size].tobytes() for at in range(0, len(samples), size)]
    return [AudioChunk(rate=RATE_HZ, width=2, channels=1, audio=pcm).event() for pcm in parts]


def texts(events: list[Event], kind: str) -> list[str]:
    return [event.data["text"] for event in events if event.type == kind]


# ---- every server


def test_a_client_that_leaves_is_noticed_at_once_and_stops_the_work() -> None:
    """In the instant of its goodbye, in the middle of a sound, and not a sample is made after that."""
    tts = MockTts({}, pace=1.0)

    async def story() -> None:
        async with connection(tts.uri) as ends:
            client = Client(*ends)
            await client.say(
                Event("synthesize", {"text": "A very long sentence, of some seconds."}), Event("interrupt", {"id": "i"})
            )
            await client.until("audio-chunk")
            await client.until("audio-chunk")
            assert list(tts.closed_at_s) == []
            left_s = now_s()
        await tts.journal.wait_for("interrupt", id="i")
        # the goodbye is on its way for no time at all
        async with connection(tts.uri) as ends:
            assert list(tts.closed_at_s) == [left_s]
            sent = len(tts.journal.of("audio-chunk", "sent"))
            client = Client(*ends)
            await client.say(Event("describe"))
            await client.until("info")
        assert sent == len(tts.journal.of("audio-chunk", "sent")) == 2
        assert tts.connections == 2

    play(tts, story())


def test_a_connection_that_the_server_closed_was_not_closed_by_its_client() -> None:
    """Speech-to-text hangs up after its transcript."""
    stt = MockStt(lambda samples: "yes")

    async def story() -> None:
        async with connection(stt.uri) as ends:
            client = Client(*ends)
            await client.say(AudioStop().event())
            await client.until("transcript")
            await client.end()
        assert list(stt.closed_at_s) == []

    play(stt, story())


def test_a_mistake_of_the_servers_own_is_not_kept_from_anybody() -> None:
    """The client is cut off instead of waiting, and the event loop is told."""
    told: list[BaseException] = []

    def wrong(samples: Samples) -> str:
        raise ZeroDivisionError

    stt = MockStt(wrong)

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
        async with connection(stt.uri) as ends:
            client = Client(*ends)
            await client.say(AudioStop().event())
            with pytest.raises(ConnectionResetError):
                await client.end()

    play(stt, story())
    assert [type(error) for error in told] == [ZeroDivisionError]


@pytest.mark.parametrize("streams", [True, False])
def test_what_they_say_of_themselves_is_what_they_do(streams: bool) -> None:
    """Each names its kind of service, and whether it streams."""
    agent = keyword_agent({})

    async def info(server: MockServer) -> Info:
        async with server, connection(server.uri) as ends:
            client = Client(*ends)
            await client.say(Event("describe"))
            return Info.from_event((await client.until("info"))[-1])

    async def story() -> None:
        stt = await info(MockStt(lambda samples: "", words_at=(lambda samples: "") if streams else None))
        tts, dialog = await info(MockTts({}, streams=streams)), await info(MockDialog(agent, streams=streams))
        assert [p.supports_transcript_streaming for p in stt.asr] == [streams]
        assert [p.supports_synthesize_streaming for p in tts.tts] == [streams]
        assert [p.supports_handled_streaming for p in dialog.handle] == [streams]
        assert len((await info(MockIntent({}))).intent) == 1

    run_virtually(story())


# ---- speech-to-text


def test_words_come_while_they_are_said_and_the_transcript_when_it_has_been_thought_of() -> None:
    """Pieces to be put together, of what every 0.2 s of audio add."""
    words = "Turn off the kitchen lights."

    def so_far(samples: Samples) -> str:
        # a word each 0.2 s
        return " ".join(words.split()[: len(samples) // 3200])

    stt = MockStt(lambda samples: words, words_at=so_far)
    stt.thinks_s = 0.5

    async def story() -> None:
        async with connection(stt.uri) as ends:
            client = Client(*ends)
            await client.say(Event("transcribe", {"language": "en"}), *audio(SECOND_OF_SILENCE[:6400]))
            got = [*await client.until("transcript-chunk"), *await client.until("transcript-chunk")]
            assert [event.type for event in got] == ["transcript-start", "transcript-chunk", "transcript-chunk"]
            assert "".join(texts(got, "transcript-chunk")) == "Turn off"
            asked_s = now_s()
            await client.say(AudioStop().event())
            got += await client.until("transcript")
            assert now_s() == asked_s + 0.5
            assert "".join(texts(got, "transcript-chunk")) == words and got[-2].type == "transcript-stop"
            assert got[-1].data["text"] == words
            await client.end()
        assert [len(samples) for samples in stt.requests] == [6400]
        assert stt.journal.of("transcribe", language="en")

    play(stt, story())


def test_words_that_were_wrong_are_not_taken_back() -> None:
    """Chunks only ever add; what is right is in the transcript."""
    stt = MockStt(lambda samples: "Write it.", words_at=lambda samples: "Right")

    async def story() -> None:
        async with connection(stt.uri) as ends:
            client = Client(*ends)
            await client.say(*audio(SECOND_OF_SILENCE), AudioStop().event())
            got = await client.until("transcript")
            assert texts(got, "transcript-chunk") == ["Right"] and got[-1].data["text"] == "Write it."

    play(stt, story())


# ---- dialog


def test_a_streamed_answer_comes_piece_by_piece_in_the_context_of_the_question() -> None:
    """And whole before its end, for clients that do not stream."""
    dialog = MockDialog(piecewise("It ", "is.", pause_s=1.0), streams=True)

    async def story() -> None:
        begin_s = now_s()
        async with connection(dialog.uri) as ends:
            client = Client(*ends)
            await client.say(ASK)
            got = await client.until("handled-chunk")
            assert now_s() == begin_s
            got += await client.until("handled-stop")
        assert [event.type for event in got] == ["handled-start", "handled-chunk", "handled-chunk", "handled", "handled-stop"]
        assert texts(got, "handled-chunk") == ["It ", "is."] and texts(got, "handled") == ["It is."]
        assert [event.data["context"] for event in got if event.type in ("handled-start", "handled")] == [CONTEXT] * 2
        assert [(r.text, r.language, r.context) for r in dialog.requests] == [("Is it on?", "en", CONTEXT)]

    play(dialog, story())


def test_an_answer_in_one_piece_comes_when_it_is_complete() -> None:
    """The connection stays open, for interruptions of the answer and more questions."""
    dialog = MockDialog(piecewise("It ", "is.", pause_s=1.0))

    async def story() -> None:
        async with connection(dialog.uri) as ends:
            client = Client(*ends)
            await client.say(ASK)
            (handled,) = await client.until("handled")
            assert handled.data == {"text": "It is.", "context": CONTEXT}
            await client.say(Event("interrupt", {"text": "It"}), Event("intent", {"name": "HassTurnOff"}))
            await client.until("handled")
        assert dialog.interrupts == [{"text": "It"}]
        assert [asked.text for asked in dialog.requests] == ["Is it on?", "HassTurnOff"] and dialog.abandoned == 0

    play(dialog, story())


def test_an_agent_that_nobody_waits_for_is_cancelled() -> None:
    """In the instant in which the client goes."""
    ends_s: list[float] = []

    async def agent(text: str) -> AsyncIterator[str]:
        try:
            await asyncio.Event().wait()
            yield ""
        finally:
            ends_s.append(now_s())

    dialog = MockDialog(agent)

    async def story() -> None:
        async with connection(dialog.uri) as ends:
            await Client(*ends).say(ASK)
            await dialog.journal.wait_for("transcript")
            left_s = now_s()
        async with connection(dialog.uri) as ends:
            await Client(*ends).say(Event("describe"))
            await dialog.journal.wait_for("info", direction="sent")
        assert ends_s == [left_s] and dialog.abandoned == 1

    play(dialog, story())


def _knows_nothing(text: str) -> AsyncIterator[str]:
    raise LookupError(text)


@pytest.mark.parametrize(("agent", "kind"), [(_knows_nothing, "not-handled"), (slow(keyword_agent({}, "Yes."), 1.0), "handled")])
def test_what_an_agent_does_not_know_is_not_handled(agent: Agent, kind: str) -> None:
    """A LookupError is its way to say so."""
    dialog = MockDialog(agent)

    async def story() -> None:
        async with connection(dialog.uri) as ends:
            client = Client(*ends)
            await client.say(ASK)
            assert (await client.until(kind))[0].data["context"] == CONTEXT

    play(dialog, story())


@pytest.mark.parametrize("kind", ["transcript", "recognize"])
def test_an_intent_is_recognised_by_its_word(kind: str) -> None:
    """Or it is not."""
    server = MockIntent({"lights": "HassTurnOff"})

    async def story() -> None:
        async with connection(server.uri) as ends:
            client = Client(*ends)
            await client.say(Event(kind, {"text": "Lights off", "context": CONTEXT}), Event(kind, {"text": "Hello"}))
            intent, unknown = await client.until("not-recognized")
            assert (intent.type, intent.data["name"], intent.data["context"]) == ("intent", "HassTurnOff", CONTEXT)
            assert unknown.data.get("context") is None

    play(server, story())


# ---- text-to-speech


@pytest.mark.parametrize(
    ("pieces", "spoken", "rest"),
    [
        # a full stop alone may be no end: more has to follow, with a capital letter
        (["It is on."], [], ["It is on."]),
        (["It is on. ", "And"], ["It is on."], ["And"]),
        (["It is on. and"], [], ["It is on. and"]),
        # a blank line is an end of its own
        (["It is on.\n\n"], ["It is on."], []),
        (["Yes.\n\n", "It is.\n\n"], ["Yes.", "It is."], []),
        # what looks like an abbreviation is none
        (["Yes. It is. And", " off."], ["Yes. It is."], ["And off."]),
        (["(Really?) It", " is! 2. Two."], ["(Really?)", "It is!", "2."], ["Two."]),
    ],
)
def test_a_sentence_is_spoken_when_its_end_is_seen(pieces: list[str], spoken: list[str], rest: list[str]) -> None:
    """As Piper's server does; what is left is spoken when the text has ended. A whole text in between is ignored."""
    tts = MockTts({}, streams=True)
    voice = {"name": "recordings"}

    async def story() -> None:
        async with connection(tts.uri) as ends:
            client = Client(*ends)
            pieces_of_it = [Event("synthesize-chunk", {"text": piece}) for piece in pieces]
            await client.say(Event("synthesize-start", {"voice": voice}), *pieces_of_it, Event("describe"))
            got = await client.until("info")
            assert [text for text, _ in tts.spoken] == spoken
            await client.say(Event("synthesize", {"text": "".join(pieces)}), Event("synthesize-stop"))
            got += await client.until("synthesize-stopped")
            # for ever after
            await client.say(Event("synthesize", {"text": "And now?"}), Event("describe"))
            assert [event.type for event in await client.until("info")] == ["info"]
        assert list(tts.spoken) == [(text, voice) for text in (*spoken, *rest)]
        kinds = [event.type for event in got if event.type in ("audio-start", "audio-stop")]
        assert kinds == ["audio-start", "audio-stop"] * len(tts.spoken)

    play(tts, story())


def test_a_server_that_does_not_stream_waits_for_the_whole_text() -> None:
    """What it does not know it ignores."""
    tts = MockTts({"Known.": hum(1.0)})
    tts.thinks_s = 2.0

    async def story() -> None:
        async with connection(tts.uri) as ends:
            client = Client(*ends)
            begin_s = now_s()
            await client.say(Event("synthesize-start"), Event("synthesize-chunk", {"text": "Known."}))
            await client.say(Event("synthesize", {"text": "Known."}), Event("synthesize-stop"))
            got = await client.until("audio-stop")
            assert now_s() == begin_s + 2.0
        assert sum(len(event.payload or b"") for event in got) == 2 * 22_050
        assert list(tts.spoken) == [("Known.", None)]

    play(tts, story())


# ---- on their own


@pytest.mark.parametrize(("kind", "field"), [("stt", "asr"), ("dialog", "handle"), ("tts", "tts")])
def test_each_runs_on_its_own(kind: str, field: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And says where."""

    async def story() -> None:
        serve: dict[str, Any] = {"stt": cli._stt, "dialog": cli._dialog, "tts": cli._tts}
        running = asyncio.create_task(serve[kind](Namespace(port=0, streams=True)))
        try:
            printed = ""
            while not printed:
                # until it has had its turn
                await asyncio.wait([running], timeout=0.01)
                printed = capsys.readouterr().out
            async with connection(printed.split()[-1]) as ends:
                client = Client(*ends)
                await client.say(Event("describe"))
                (info,) = await client.until("info")
                assert [key for key, value in info.data.items() if value] == [field]
                assert [value for key, value in info.data[field][0].items() if "streaming" in key] == [True]
        finally:
            running.cancel()
            await asyncio.wait([running])

    run_virtually(story())
