"""What is played with a real hub. A scene says what was seen of it, and fails if that is not as it should be."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.interrupt import Phase
from satellite.core.state import Stage as Run
from satellite.core.state import State, Why
from satellite.core.timers import Timer, TimerChange
from tests.real_hub.broker import entities_over_mqtt
from tests.real_hub.stage import PIPELINE, REMINDER, Stage

Scene: TypeAlias = Callable[[Stage], Awaitable[list[str]]]

# longer than the hub's pings, and than we wait for a hub that is not muted
_LONG_MUTED_S = 11.0
# well within the 8 s for which the agent thinks
_INTO_THE_THOUGHT_S = 1.0

# the hub keeps speech by its text; a text that has not been said before is made anew
_texts = iter(range(1000))


def _new(text: str) -> str:
    return f"{text} Number {next(_texts)}."


def _ms(since_s: float, at_s: float) -> str:
    return f"{(at_s - since_s) * 1000:.0f} ms"


def _is_ack(error: ev.HubError) -> bool:
    return error.code == "validation-error"


async def discovery(place: Stage) -> list[str]:
    """By mDNS, and nobody types an address."""
    began = time.monotonic()
    await place.service.start()
    flow = await place.hub("hub.wait_discovered", 30)
    found = time.monotonic()
    place.entry = await place.hub("hub.confirm", flow)
    await place.hub("adopt", place.entry)
    opened, _ = await place.first(ev.HubOpened, began)
    await place.until_idle()
    acks = place.seen.of(ev.HubError, opened, _is_ack)
    ack = f"abort while idle acknowledged after {_ms(opened, acks[0][0])}" if acks else "abort while idle not acknowledged"
    return [f"discovered {_ms(began, found)} after the start", f"added, and our hub {_ms(found, opened)} later", ack]


async def turn(place: Stage) -> list[str]:
    """From the wake word to `played`."""
    began = await place.asks("what time is it", _new("It is noon."), seconds=2.0)
    ready, _ = await place.first(ev.HubReady, began)
    ended, _ = await place.first(act.StopMic, ready)
    understood, transcript = await place.first(ev.Transcript, began)
    assert transcript.text == "what time is it"
    audio, _ = await place.first(ev.AnswerAudio, began)
    played, _ = await place.first(act.SendPlayed, audio)
    await place.hub("until", "idle")
    session = (await place.hub("stt.sessions"))[-1]
    return [
        f"`transcribe` {_ms(began, ready)} after the wake word",
        f"`transcript` {_ms(ended, understood)} after our `audio-stop`",
        f"{session['seconds']} s at speech-to-text",
        f"`played` {_ms(place.last_sound_s(audio), played)} after the last sample",
    ]


async def barge_in_over_the_reply(place: Stage) -> list[str]:
    """The hub's run has ended, and all of the answer has come."""
    began = await place.asks("tell me the news", _new("There are many news."), seconds=10.0)
    await place.until_played(began, 1.5)
    await place.hub("handle.reply", _new("I have stopped."))
    return await _talk_over(place)


async def _talk_over(place: Stage) -> list[str]:
    """The user talks over what plays, and is answered; what was seen of it."""
    await place.hub("stt.say", "stop that")
    said = place.say("tts_lights_heart")
    onset = place.card.time_of(said.onset_frame)
    told, _ = await place.first(act.SendInterrupt, onset, lambda a: a.interrupt.phase is Phase.PROVISIONAL)
    confirmed, _ = await place.first(act.SendInterrupt, onset, lambda a: a.interrupt.phase is Phase.CONFIRMED)
    seen = [f"provisional `interrupt` {_ms(onset, told)} after the onset, confirmed after {_ms(onset, confirmed)}"]
    return seen + await _is_heard_anew(place, confirmed, "stop that")


async def _is_heard_anew(place: Stage, since: float, words: str) -> list[str]:
    """A new run, perhaps after an abort; heard, understood and answered, and nothing of the old answer meanwhile."""
    asked, _ = await place.first(act.SendRun, since)
    ready, _ = await place.first(ev.HubReady, since)
    seen = []
    if aborts := place.seen.of(act.SendAbort, since):
        acks = place.seen.of(ev.HubError, since, _is_ack)
        seen.append(f"abort acknowledged after {_ms(aborts[0][0], acks[0][0])}" if acks else "abort not acknowledged")
    seen.append(f"run accepted (`transcribe`) after {_ms(asked, ready)}")
    _, transcript = await place.first(ev.Transcript, ready)
    assert transcript.text == words, f"the hub understood {transcript.text!r}"
    session = (await place.hub("stt.sessions"))[-1]
    assert session["rms"] is None or session["rms"] > 100, "the hub heard silence"
    answer, _ = await place.first(act.Play, ready)
    assert place.is_silent(since + 0.1, answer), "something of the old answer was heard"
    runs = len(place.seen.of(act.SendRun, since))
    seen.append(f"{session['seconds']} s of the new words at speech-to-text, {runs} run, the old answer silent")
    await place.first(act.SendPlayed, answer)
    await place.until_idle()
    return seen


async def barge_in_while_the_agent_thinks(place: Stage) -> list[str]:
    """The run is alive: it is aborted first."""
    began = await place.asks("a hard question", _new("Forty-two."), seconds=2.0, delay=8.0)
    await place.first(ev.Transcript, began)
    await asyncio.sleep(_INTO_THE_THOUGHT_S)
    await place.hub("stt.say", "another question")
    await place.hub("handle.reply", _new("Here you are."))
    said = place.say("tts_lights_heart")
    onset = place.card.time_of(said.onset_frame)
    confirmed, _ = await place.first(act.SendInterrupt, onset, lambda a: a.interrupt.phase is Phase.CONFIRMED)
    seen = await _is_heard_anew(place, confirmed, "another question")
    return [f"confirmed `interrupt` {_ms(onset, confirmed)} after the onset", *seen]


async def barge_in_while_a_language_model_speaks(place: Stage) -> list[str]:
    """The answer plays, and its run is alive."""
    pipeline = (await place.hub("ids"))["pipeline"]
    old_agent = (await place.hub("ids"))["agent"]
    agent = await place.hub("hub.add_scripted_agent", (await place.hub("base")) + 3)
    await place.hub("hub.change_pipeline", pipeline, conversation_engine=agent)
    try:
        return await _over_a_model(place)
    finally:
        await place.hub("hub.change_pipeline", pipeline, conversation_engine=old_agent)


async def _over_a_model(place: Stage) -> list[str]:
    first = _new("This is a rather long first sentence, so that the hub begins to speak before it is all there.")
    await place.hub("llm.reply", [[0.1, f"{first} And the second "], [9.0, "sentence comes much later."]])
    await place.hub("stt.say", "tell me a story")
    began = place.wake()
    place.say("tts_lights_joe")
    audio, _ = await place.first(ev.AnswerAudio, began)
    is_early = not place.seen.of(ev.Answered, began)
    await place.until_played(began, 1.5)
    await place.hub("llm.reply", _new("All right."))
    seen = await _talk_over(place)
    aborted = [line for line in await place.hub("log.find", "llm", "aborted") if line["t"] + place.hub.clock_zero_s > audio]
    return [
        "spoken before it was complete" if is_early else "spoken when it was complete",
        *seen,
        "the model's request was cancelled" if aborted else "the model's request had ended",
    ]


async def follow_up(place: Stage) -> list[str]:
    """The answer asks, and the user answers without the wake word."""
    began = await place.asks("turn on the light", f"{_new('There are two.')} Which one?", seconds=2.0)
    # speech-to-text takes what it is to understand when a run begins, and that is as soon as the question has ended
    await place.hub("stt.say", "the one in the kitchen")
    await place.hub("handle.reply", _new("It is on."))
    played, _ = await place.first(act.SendPlayed, began)
    await place.first(act.Become, played, lambda change: change.why is Why.FOLLOW_UP)
    place.say("tts_lights_heart", after_s=0.5)
    seen = await _is_heard_anew(place, played, "the one in the kitchen")
    asked = (await place.hub("log.find", "handle", "transcript"))[-2:]
    ids = {(line.get("context") or {}).get("conversation_id") for line in asked}
    return [*seen, "one conversation to the agent" if len(ids) == 1 else f"conversations {ids}"]


async def follow_up_that_nobody_answers(place: Stage) -> list[str]:
    """The run is cancelled, and the next turn works."""
    began = await place.asks("turn on the light", f"{_new('There are two.')} Which one?", seconds=1.0)
    opened, _ = await place.first(act.Become, began, lambda change: change.why is Why.FOLLOW_UP)
    closed = await place.until_state(State.IDLE, opened)
    await place.until("rest", lambda: place.service._conversation.stage is Run.NONE)
    return [f"idle {_ms(opened, closed)} later", *await turn(place)]


async def announcement(place: Stage) -> list[str]:
    """The hub's service call lasts until the last sample has been played."""
    text = _new("Dinner is ready.")
    await place.hub("tts.plan", text, seconds=3.0)
    began = time.monotonic()
    took = await place.hub("hub.announce", await place.hub("entity"), text)
    returned = time.monotonic()
    audio, _ = await place.first(ev.AnnouncementAudio, began)
    played, _ = await place.first(act.SendPlayed, began)
    end = place.last_sound_s(began)
    return [
        f"3 s of speech, begun {_ms(began, audio)} after the call",
        f"`played` {_ms(end, played)} after the last sample",
        f"the service returned {_ms(end, returned)} after it, in {took:.2f} s",
    ]


async def announcement_over_a_reply(place: Stage) -> list[str]:
    """One voice at a time: it waits for the end of the reply, and is played whole; the hub's own patience may be shorter."""
    began = await place.asks("tell me the news", _new("There are many news."), seconds=5.0)
    await place.until_played(began, 1.5)
    text = _new("The washing is done.")
    await place.hub("tts.plan", text, seconds=8.0)
    called = time.monotonic()
    await place.hub("hub.announce", await place.hub("entity"), text)
    returned = time.monotonic()
    _, ended = await place.first(ev.ReplyEnded, began)
    seen = [f"an announcement of 8 s: the service returned after {_ms(called, returned)}"]
    waited, _ = await place.first(act.TakeSpeech, called)
    _, announced = await place.first(ev.ReplyEnded, waited)
    played, _ = await place.first(act.SendPlayed, waited)
    assert ended.position.played == ended.position.total and announced.position.played == announced.position.total
    return [
        *seen,
        f"the reply was played, {ended.position.played} ms of it, and then the announcement, {announced.position.played} ms",
        f"`played` {_ms(place.last_sound_s(waited), played)} after the last sample of that",
    ]


_NO_TIMERS = "no timer can be started from outside in this version"


async def _start_timer(place: Stage, seconds: int, name: str) -> bool:
    """False if the hub is too old to be asked by a program."""
    try:
        await place.hub("hub.start_timer", (await place.hub("ids"))["device"], seconds, name)
    except RuntimeError as error:
        if "device_id" in str(error):
            return False
        raise
    return True


async def timer(place: Stage) -> list[str]:
    """The hub keeps it, and tells us."""
    began = time.monotonic()
    if not await _start_timer(place, 2, "eggs"):
        return [_NO_TIMERS]
    _, started = await place.first(Timer, began, lambda t: t.change is TimerChange.STARTED)
    rang, _ = await place.first(Timer, began, lambda t: t.change is TimerChange.FINISHED)
    ringing = await place.until_state(State.SPEAKING, began)
    await place.until_played(began, 1.5)
    onset = place.card.time_of(place.say("tts_stop_joe").onset_frame)
    silent = await place.until_state(State.IDLE, ringing)
    assert not place.seen.of(act.SendRun, began), "the word that ended the ring was sent to the hub"
    return [
        f"started: {started.left_s} s, name {started.name!r}",
        f"finished {_ms(began, rang)} after it was asked for",
        f"rings {_ms(rang, ringing)} later",
        f"a word ends it, which is certain {_ms(onset, silent)} after its onset, and nothing is sent",
    ]


async def two_timers_without_the_hub(place: Stage) -> list[str]:
    """Both ring when they should, while the hub is down; it knows nothing of them when it is back."""
    began = time.monotonic()
    if not await _start_timer(place, 8, "rice") or not await _start_timer(place, 10, "eggs"):
        return [_NO_TIMERS]
    await place.until("two timers", lambda: len(place.service.timers) == 2)
    place.scripts.kill_hub(signal.SIGKILL)
    rang = await place.until("rings", lambda: place.seen.of(Timer, began, lambda t: t.change is TimerChange.FINISHED)[:2])
    await place.until("both", lambda: len(place.seen.of(Timer, began, lambda t: t.change is TimerChange.FINISHED)) == 2)
    place.service.hush()
    await place.scripts.run("start.sh")
    await place.first(ev.HubOpened, rang[0][0])
    return [f"rang {_ms(began, rang[0][0])} after it was asked for 8 s, with the hub killed"]


async def conversation_begun_from_outside(place: Stage) -> list[str]:
    """Something is said here, and the answer to it is the hub's."""
    await place.hub("stt.say", "yes please")
    await place.hub("handle.reply", _new("I will remind you."))
    began = time.monotonic()
    place.desk.say_text(REMINDER, then_listen=True)
    ended, _ = await place.first(ev.ReplyEnded, began)
    listening = await place.until_state(State.LISTENING, ended)
    place.say("tts_lights_heart", after_s=0.2)
    _, transcript = await place.first(ev.Transcript, listening)
    assert transcript.text == "yes please"
    await place.first(act.SendPlayed, listening)
    return [f"listens {_ms(ended, listening)} after the last sample", "the hub understands and answers, without a wake word"]


async def words_for_pipelines(place: Stage) -> list[str]:
    """A word's pipeline goes with the run; this hub takes no notice, and the turn works. The same word again is not refused."""
    await place.hub("stt.say", "what time is it")
    await place.hub("handle.reply", _new("It is noon."))
    began = time.monotonic()
    place.wake("okay_nabu")
    await place.first(ev.HubReady, began)
    place.desk.hush()
    await place.until_idle()
    await asyncio.sleep(0.8)
    again = time.monotonic()
    place.wake("okay_nabu")
    place.say("tts_lights_joe")
    await place.first(ev.Transcript, again)
    await place.first(act.SendPlayed, again)
    assert not place.seen.of(act.SendDetection, again) and (again - began) < 2.0, "it was no test of the hub's two seconds"
    return [f"`okay_nabu` asks for the pipeline {PIPELINE!r}", f"said again after {_ms(began, again)}, and heard"]


async def volume(place: Stage) -> list[str]:
    """Of the hub's answer, while it plays."""
    began = await place.asks("tell me the news", _new("There are many news."), seconds=4.0)
    await place.until_played(began, 1.0)
    place.desk.set_volume(50)
    await place.until_played(began, 2.0)
    loud, soft = (place.level(since, since + 0.6) for since in (time.monotonic() - 1.8, time.monotonic() - 0.7))
    place.desk.set_volume(100)
    await place.first(ev.ReplyEnded, began)
    return [f"50 instead of 100 is {loud - soft:.0f} dB less"]


async def mute_and_back(place: Stage) -> list[str]:
    """While we speak; then nothing sounds, nothing is sent, and the hub is back when it is switched off."""
    began = await place.asks("tell me the news", _new("There are many news."), seconds=8.0)
    await place.until_played(began, 1.0)
    pressed = time.monotonic()
    await place.hub("hub.mute", place.entry, True)
    muted = await place.until_state(State.MUTED, pressed)
    await asyncio.sleep(_LONG_MUTED_S)
    assert place.is_silent(muted + 0.1, time.monotonic()), "something was heard while muted"
    assert place.service.state is State.MUTED
    rings = _NO_TIMERS
    if await _start_timer(place, 1, "tea"):
        rang, _ = await place.first(Timer, muted, lambda t: t.change is TimerChange.FINISHED)
        await place.until_state(State.SPEAKING, rang)
        place.desk.hush()
        await place.until_state(State.MUTED, rang)
        rings = f"a timer rings all the same ({_ms(muted, rang)} into it), and after it we are muted"
    released = time.monotonic()
    await place.hub("hub.mute", place.entry, False)
    opened, _ = await place.first(ev.HubOpened, released)
    return [
        f"muted after {_ms(pressed, muted)}, silent for {_LONG_MUTED_S:g} s",
        rings,
        f"the hub is back {_ms(released, opened)} after the switch",
        *await turn(place),
    ]


async def announcement_while_muted(place: Stage) -> list[str]:
    """Nothing is said, the hub does not wait for ever, and is back at once."""
    pressed = time.monotonic()
    await place.hub("hub.mute", place.entry, True)
    await place.until_state(State.MUTED, pressed)
    text = _new("Somebody is at the door.")
    await place.hub("tts.plan", text, seconds=2.0)
    called = time.monotonic()
    await place.hub("hub.announce", await place.hub("entity"), text)
    returned = time.monotonic()
    await asyncio.sleep(_LONG_MUTED_S)
    assert place.is_silent(called, time.monotonic()), "something was heard while muted"
    released = time.monotonic()
    await place.hub("hub.mute", place.entry, False)
    opened, _ = await place.first(ev.HubOpened, released)
    return [
        f"2 s: the service returned after {_ms(called, returned)}",
        f"the hub is back {_ms(released, opened)} after the switch",
    ]


async def hub_restarted_during_a_reply(place: Stage) -> list[str]:
    """As its own restart does it."""
    return await _restart(place, lambda: place.scripts.run("stop.sh"))


async def hub_killed_during_a_reply(place: Stage) -> list[str]:
    """As when the power fails."""

    async def kill() -> None:
        place.scripts.kill_hub(signal.SIGKILL)
        await place.scripts.run("stop.sh")

    return await _restart(place, kill)


async def _restart(place: Stage, stop: Callable[[], Awaitable[None]]) -> list[str]:
    began = await place.asks("tell me the news", _new("There are many news."), seconds=6.0)
    await place.until_played(began, 1.0)
    await place.hub("hub.close")
    ended = time.monotonic()
    await stop()
    away = [f"{c.new} ({c.why})" for _, c in place.seen.of(act.Become, ended)]
    start = asyncio.create_task(place.scripts.run("start.sh"))
    opened, _ = await place.first(ev.HubOpened, ended)
    await start
    up = time.monotonic()
    await place.hub("hub.open")
    await place.until_idle()
    replies = place.seen.of(ev.ReplyEnded, ended)
    what = f"the reply went on to its end, {replies[0][1].position.played} ms" if replies else "the reply was stopped"
    return [
        f"states: {', '.join(away) or 'as before'}",
        what,
        f"our hub again {up - opened:.1f} s before it calls itself up",
        *await turn(place),
    ]


SCENES: tuple[Scene, ...] = (
    discovery,
    turn,
    barge_in_over_the_reply,
    barge_in_while_the_agent_thinks,
    barge_in_while_a_language_model_speaks,
    follow_up,
    follow_up_that_nobody_answers,
    announcement,
    announcement_over_a_reply,
    timer,
    conversation_begun_from_outside,
    words_for_pipelines,
    volume,
    entities_over_mqtt,
    mute_and_back,
    announcement_while_muted,
    hub_restarted_during_a_reply,
    hub_killed_during_a_reply,
    # last: whoever sets up the scenes loses the hub with it
    two_timers_without_the_hub,
)
