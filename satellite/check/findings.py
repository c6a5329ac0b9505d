"""What is wrong with a sound card, a sentence each, and what to do about it. Pure: from measurements and the configuration."""

from collections.abc import Iterator
from dataclasses import dataclass

from satellite.check.measure import AUDIBLE_DB, Channel, Clipping, Measured
from satellite.config import Audio
from satellite.core.units import Decibels

# active speech in answers: the two voices that come with the package are at -15 and -25 dBFS
REPLY_DBFS = -20.0

# 3 of 100 users at -15 dB are missed, 7 at -20 dB; a loudspeaker 8 cm away and a user as loud at 2 m are -15 to -23 dB
_LOW_SER_DB, _LOWEST_SER_DB = -15.0, -20.0

# a microphone at its usual gain hears a talker at 2 m at about -40 dBFS
_SOFT_VOICE_DB = -55.0

# below this wake words and transcripts suffer
_NOISY_DB = 10.0

# another channel that is so much clearer is meant
_CLEARER_DB = 10.0

# the microphones of an array differ by less, now this way and now that
_ALIKE_DB = 2.0

# one sample in a thousand: a loud consonant may be cut, a word may not
_CLIPPED_SHARE = 0.001

# what cheap converters have; it takes this much from the headroom
_OFFSET = 0.01

# what USB devices and sound servers need; the canceller follows twice that
_LONG_DELAY_MS = 250

_MIXER = "`alsamixer` (F6 chooses the card, F4 shows the microphone)"


@dataclass(frozen=True, slots=True)
class Finding:
    """`is_problem`: it has to be mended; otherwise it is good to know."""

    is_problem: bool
    what: str
    advice: str

    def __str__(self) -> str:
        return f"{self.what} {self.advice}".rstrip()


def ser_db(channel: Channel, played_db: Decibels) -> float | None:
    """Speech-to-echo ratio: the user's voice over that of an answer at REPLY_DBFS, both at the microphone; None if unknown."""
    if channel.voice_db is None or channel.echo_db is None:
        return None
    return channel.voice_db - (REPLY_DBFS + channel.echo_db - played_db)


def findings(measured: Measured, audio: Audio, overruns: int = 0, underruns: int = 0) -> list[Finding]:
    """All there is to say, what matters most first."""
    near = measured.channels[audio.microphone_channel]
    found = [
        *_of_clipping(near),
        *(_of_voice(near) if near.voice_db is not None else _of_silence(measured, audio)),
        *_of_echo(measured, near),
        *_of_reference(measured, audio),
        *_of_ser(ser_db(near, measured.played_db)),
        *_of_offset(near),
        *_of_other_channels(measured, audio),
        *_of_losses(overruns, underruns),
    ]
    return sorted(found, key=lambda finding: not finding.is_problem)


def _of_silence(measured: Measured, audio: Audio) -> Iterator[Finding]:
    """The microphone's channel has no voice in it."""
    number = audio.microphone_channel
    near, clearest = measured.channels[number], _clearest(measured)
    if clearest is not None:
        it = ", which returns what the speaker plays" if near.echo_db is not None else ""
        yield Finding(
            True,
            f"Your voice is in channel {clearest}, and not in channel {number}{it}.",
            f"Set audio.microphone_channel: {clearest}.",
        )
    elif near.is_dead:
        yield Finding(
            True,
            "The microphone is silent: there is not even noise in it.",
            f"Look for a mute switch on the device, and in {_MIXER} for a microphone that is muted or at 0;"
            " `satellite devices` lists other microphones.",
        )
    elif near.loudest_db >= near.floor_db + AUDIBLE_DB:
        yield Finding(
            True,
            "Something was heard while you were to speak, but no voice.",
            "Check again, and speak for all of the 3 s; if you did, listen to what was played back: is it you?",
        )
    elif near.echo_db is not None:
        yield Finding(
            True,
            "The microphone heard what the speaker played, but not you.",
            "If you did speak, audio.microphone is no microphone but the speaker's monitor, or it is muted: `satellite devices`"
            " lists the microphones.",
        )
    else:
        yield Finding(
            True,
            "Nothing was louder than the noise while you were to speak.",
            f"If you did speak: a mute switch, {_MIXER}, or audio.microphone is another device; `satellite devices` lists them.",
        )


def _of_voice(near: Channel) -> Iterator[Finding]:
    if near.voice_db is not None and near.voice_db < _SOFT_VOICE_DB:
        yield Finding(True, f"Your voice is very soft: {near.voice_db:.0f} dBFS.", f"Raise the microphone in {_MIXER}.")
    if near.voice_over_floor_db < _NOISY_DB:
        what = f"Your voice is only {near.voice_over_floor_db:.0f} dB above the noise."
        yield Finding(False, what, "Move the microphone away from fans and disks, or nearer to you.")


def _of_echo(measured: Measured, near: Channel) -> Iterator[Finding]:
    if near.echo_db is None:
        if any(channel.echo_db is not None and channel.voice_db is not None for channel in measured.channels):
            return  # it is the wrong channel, and that was said
        yield Finding(
            True,
            "The microphone did not hear the sound that was played.",
            "If you did not either: the speaker is muted, at 0, or not connected (`alsamixer`), or audio.speaker is another"
            " device. If you did: audio.microphone is not the microphone beside that speaker.",
        )
    elif near.delay_ms is None:
        yield Finding(
            True,
            "Something was heard when the sound was played, but not that sound, or later than 0.4 s.",
            "Check again in a quiet room. A Bluetooth speaker is too slow; a sound server's effects (echo cancelling, equaliser)"
            " have to be off.",
        )
    elif near.delay_ms > _LONG_DELAY_MS:
        what = f"What is played takes {near.delay_ms} ms to come back; a sound server or a slow device holds it up."
        yield Finding(False, what, "A hw: or plughw: device answers an interruption sooner.")


def _of_reference(measured: Measured, audio: Audio) -> Iterator[Finding]:
    number = audio.reference_channel
    if number is None:
        return
    channel = measured.channels[number]
    if channel.voice_db is not None or channel.echo_db is None:
        wrong = "hears you" if channel.voice_db is not None else "does not return what the speaker plays"
        yield Finding(
            True,
            f"audio.reference is channel {number}, which {wrong}.",
            "Set audio.reference: playback, or the channel that does.",
        )


def _of_ser(ser: float | None) -> Iterator[Finding]:
    if ser is None or ser >= _LOW_SER_DB:
        return
    is_lowest = ser < _LOWEST_SER_DB
    often = "will seldom be heard" if is_lowest else "will not always be heard"
    yield Finding(
        is_lowest,
        f"Over an answer your voice {often}: it is {-ser:.0f} dB below the loudspeaker at the microphone.",
        "Turn the speaker down, or move it away from the microphone: twice the distance is 6 dB.",
    )


def _of_clipping(near: Channel) -> Iterator[Finding]:
    if near.echo_clipping.runs:
        yield Finding(
            True,
            f"What is played is clipped at the microphone ({_clipped(near.echo_clipping)}); such an echo cannot be cancelled.",
            f"Turn the speaker down, or the microphone in {_MIXER}.",
        )
    if near.voice_clipping.runs:
        yield Finding(
            near.voice_clipping.share >= _CLIPPED_SHARE,
            f"Your voice is clipped ({_clipped(near.voice_clipping)}).",
            f"Turn the microphone down in {_MIXER}.",
        )


def _clipped(clipping: Clipping) -> str:
    return f"{clipping.share:.2%} of the samples, in {clipping.runs} place{'s' * (clipping.runs > 1)}"


def _of_offset(near: Channel) -> Iterator[Finding]:
    if abs(near.offset) > _OFFSET:
        what = f"The microphone has an offset (DC) of {near.offset:.1%} of full scale."
        yield Finding(False, what, "It does no harm to what is understood; another sound card would have more headroom.")


def _of_other_channels(measured: Measured, audio: Audio) -> Iterator[Finding]:
    near, clearest = measured.channels[audio.microphone_channel], _clearest(measured)
    if clearest is None:
        return
    by_db = measured.channels[clearest].voice_over_floor_db - near.voice_over_floor_db
    if near.voice_db is not None and by_db >= _CLEARER_DB:
        yield Finding(
            False, f"Channel {clearest} hears you {by_db:.0f} dB more clearly.", f"Try audio.microphone_channel: {clearest}."
        )
    returning = [n for n, channel in enumerate(measured.channels) if channel.echo_db is not None and channel.voice_db is None]
    if returning and audio.reference_channel is None:
        what = f"Channel {returning[0]} returns what the speaker plays."
        yield Finding(False, what, f"Set audio.reference: channel {returning[0]}; then the echo is known exactly.")


def _of_losses(overruns: int, underruns: int) -> Iterator[Finding]:
    if overruns or underruns:
        what = f"Sound was lost: {overruns} overruns of the microphone, {underruns} underruns of the speaker."
        yield Finding(False, what, "The machine was too busy, or the device needs more: audio.queue_ms: 40.")


def _clearest(measured: Measured) -> int | None:
    """The channel that hears the user best; the first of those that hear him alike."""
    voices = {n: channel.voice_over_floor_db for n, channel in enumerate(measured.channels) if channel.voice_db is not None}
    best_db = max(voices.values(), default=0.0)
    return next((n for n, over_db in voices.items() if over_db >= best_db - _ALIKE_DB), None)
