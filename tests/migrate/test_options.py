"""The table: what becomes of every option, by itself and with others. What is written is always a configuration."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from satellite.config import Config, load_config
from satellite.errors import ConfigError
from satellite.keys import flat
from satellite.migrate.line import line_of_words
from satellite.migrate.options import ROWS, TAKES, Migrated, migrated
from satellite.migrate.wake import MICRO_WORDS, OPEN_WORDS
from satellite.migrate.write import document

_MIC = "arecord -D plughw:1,0 -r 16000 -c 1 -f S16_LE -t raw"
_ARECORD, _OTHER = ("--mic-command", _MIC), ("--mic-command", "parecord --raw")
_LOCAL = ("--wake-uri", "tcp://127.0.0.1:10400")
_USUAL = ("refractory_ms", 1500)

# as wyoming-satellite 1.4.1 has them
_THEIRS = re.findall(
    r"\S+",
    """
    --mic-uri --mic-command --mic-command-rate --mic-command-width --mic-command-channels
    --mic-command-samples-per-chunk --mic-volume-multiplier --mic-noise-suppression --mic-auto-gain
    --mic-seconds-to-mute-after-awake-wav --mic-no-mute-during-awake-wav --mic-channel-index --snd-uri --snd-command
    --snd-command-rate --snd-command-width --snd-command-channels --snd-volume-multiplier --wake-uri --wake-word-name
    --wake-command --wake-command-rate --wake-command-width --wake-command-channels --wake-refractory-seconds --vad
    --vad-threshold --vad-trigger-level --vad-buffer-seconds --vad-wake-word-timeout --event-uri --startup-command
    --detect-command --detection-command --transcript-command --stt-start-command --stt-stop-command
    --synthesize-command --tts-start-command --tts-stop-command --tts-played-command --streaming-start-command
    --streaming-stop-command --error-command --connected-command --disconnected-command --timer-started-command
    --timer-updated-command --timer-cancelled-command --timer-finished-command --awake-wav --done-wav
    --timer-finished-wav --timer-finished-wav-repeat --uri --name --area --no-zeroconf --zeroconf-name --zeroconf-host
    --debug-recording-dir --debug --log-format --version
    """,
)


def test_the_table_has_every_option_once() -> None:
    """And the one that has two spellings."""
    assert len(_THEIRS) == 64
    assert sorted(row.option for row in ROWS) == sorted(_THEIRS)
    assert set(TAKES) - set(_THEIRS) == {"--timer-canceled-command"}


def test_the_words_are_those_that_the_engines_bring() -> None:
    """They are not asked, for they are slow to load, and one of them may not be there."""
    from pymicro_wakeword import Model
    from pyopen_wakeword import Model as OpenModel

    assert set(MICRO_WORDS) == {model.value for model in Model}
    assert set(OPEN_WORDS) == {model.value for model in OpenModel}


def _loaded(result: Migrated, path: Path) -> Config:
    path.write_text(document(result.settings, result.tells), "utf-8")
    config = load_config(path, {})
    values = _as_written(config)
    assert {each.key: values[each.key] for each in result.settings} == {each.key: each.value for each in result.settings}
    return config


def _as_written(config: Config) -> dict[str, object]:
    """The values of all keys, and of a word only what is not as in others."""
    words = [
        word if isinstance(word, str) else {n: v for n, v in to_builtins(word).items() if v is not None and (n, v) != _USUAL}
        for word in config.wake.words
    ]
    return flat(config) | {"wake.words": words}


def _migrated(words: Sequence[str], directory: str | None = None) -> Migrated:
    microphone = () if any(re.match("--mic-(command|uri)$", word) for word in words) else _ARECORD
    return migrated(line_of_words([*microphone, *words], directory))


# the options, the keys that come of them, and what is told of the first of them: nothing, or with ! that it is lost
_EACH = [
    (("--mic-uri", "tcp://1.2.3.4:10600"), {"external.mic_uri": "tcp://1.2.3.4:10600"}, ""),
    (("--mic-uri", "unix:///run/mic"), {"external.mic_uri": "unix:///run/mic"}, ""),
    (("--mic-uri", "stdio://"), {"external.mic_uri": None}, "!neither tcp://HOST:PORT nor unix:///PATH"),
    (("--mic-uri", "tcp://a:1", *_ARECORD), {"external.mic_uri": None, "audio.microphone": "plughw:1,0"}, "did not count"),
    (_ARECORD, {"audio.microphone": "plughw:1,0", "external.mic_command": None}, ""),
    (("--mic-command", "/usr/bin/arecord -q --device=hw:2 -"), {"audio.microphone": "hw:2"}, ""),
    (("--mic-command", "arecord -r 48000 -B 100"), {"audio.microphone": "default", "audio.rate_hz": 48_000}, ""),
    (("--mic-command", "arecord -r 48"), {"audio.rate_hz": 48_000}, ""),
    (("--mic-command", "arecord -t wav"), {"external.mic_command": "arecord -t wav"}, "is started as before"),
    (("--mic-command", "arecord | sox"), {"external.mic_command": "arecord | sox"}, "is started as before"),
    (_OTHER, {"external.mic_command": "parecord --raw"}, "audio.microphone: pulse"),
    (("--mic-command-rate", "48000", *_OTHER), {"external.mic_rate_hz": 48_000}, ""),
    (("--mic-command-rate", "44100", "--mic-command", "arecord"), {"audio.rate_hz": 44_100}, ""),
    (("--mic-command-rate", "fast", *_OTHER), {"external.mic_rate_hz": 16_000}, "!not a number"),
    (("--mic-command-width", "2", *_OTHER), {"external.mic_command": "parecord --raw"}, ""),
    (("--mic-command-width", "4", *_ARECORD), {"audio.microphone": "plughw:1,0"}, "not needed"),
    (("--mic-command", "sox", "--mic-command-width", "4"), {"external.mic_command": None}, "!have 4 bytes"),
    (("--mic-command-channels", "2", *_OTHER), {"external.mic_channels": 2}, "the first"),
    (("--mic-command-channels", "6", *_ARECORD, "--mic-channel-index", "5"), {"audio.microphone_channel": 5}, ""),
    (("--mic-command-samples-per-chunk", "512"), {}, "not needed"),
    (("--mic-volume-multiplier", "2"), {"audio.microphone_gain_db": 6.0}, ""),
    (("--mic-volume-multiplier", "1.0"), {"audio.microphone_gain_db": 0.0}, ""),
    (("--mic-volume-multiplier", "1000"), {"audio.microphone_gain_db": 40.0}, "!cut to 40"),
    (("--mic-volume-multiplier", "0"), {"audio.microphone_gain_db": 0.0}, "!not a gain"),
    (("--mic-noise-suppression", "0"), {"audio.noise_suppression": "low"}, "cannot be switched off"),
    (("--mic-noise-suppression", "1"), {"audio.noise_suppression": "low"}, ""),
    (("--mic-noise-suppression", "2"), {"audio.noise_suppression": "moderate"}, ""),
    (("--mic-noise-suppression", "4"), {"audio.noise_suppression": "very-high"}, ""),
    (("--mic-noise-suppression", "7"), {"audio.noise_suppression": "moderate"}, "!not from 0 to 4"),
    (("--mic-auto-gain", "5"), {"audio.auto_gain_db": 5.0}, ""),
    (("--mic-auto-gain", "32"), {"audio.auto_gain_db": 0.0}, "!not from 0 to 31"),
    (("--mic-seconds-to-mute-after-awake-wav", "0.1"), {}, "never muted"),
    (("--mic-no-mute-during-awake-wav",), {}, "never muted"),
    (("--mic-channel-index", "1"), {"audio.microphone_channel": 1}, ""),
    (("--mic-channel-index", "64"), {"audio.microphone_channel": 0}, "!from 0 to 63"),
    (("--snd-uri", "tcp://1.2.3.4:10601"), {"external.snd_uri": "tcp://1.2.3.4:10601"}, ""),
    (("--snd-uri", "tcp://1.2.3.4:0"), {"external.snd_uri": None}, "!neither"),
    (("--snd-command", "aplay -D plughw:1 -r 22050 -c 1 -f S16_LE -t raw"), {"audio.speaker": "plughw:1"}, ""),
    (("--snd-command", "pw-play -"), {"external.snd_command": "pw-play -"}, "audio.speaker: pipewire"),
    (("--snd-command-rate", "44100", "--snd-command", "paplay"), {"external.snd_rate_hz": 44_100}, ""),
    (("--snd-command-rate", "44100", "--snd-command", "aplay"), {"audio.rate_hz": 16_000}, ""),
    (("--snd-command-width", "4", "--snd-command", "aplay"), {}, "not needed"),
    (("--snd-command", "paplay", "--snd-command-width", "4"), {"external.snd_command": None}, "!have 4 bytes"),
    (("--snd-command-channels", "2", "--snd-command", "paplay"), {"external.snd_channels": 2}, ""),
    (("--snd-volume-multiplier", "0.25"), {"audio.volume": 50}, ""),
    (("--snd-volume-multiplier", "1.0"), {"audio.volume": 100}, ""),
    (("--snd-volume-multiplier", "2"), {"audio.volume": 100}, "!alsamixer"),
    (_LOCAL, {"wake.uri": "tcp://127.0.0.1:10400", "wake.words": ["ok_nabu"], "wake.listen": "wake-word"}, "can stay in this"),
    (("--wake-uri", "unix:///run/wake"), {"wake.uri": None, "wake.listen": "wake-word"}, "!by tcp:// only"),
    (("--wake-uri", "stdio://"), {"wake.uri": None}, "!neither"),
    (("--wake-word-name", "Hey Jarvis", "Kitchen", *_LOCAL), {"wake.words": [{"name": "Hey Jarvis", "pipeline": "Kitchen"}]}, ""),
    (("--wake-word-name", "own", *_LOCAL, "--wake-word", "alexa"), {"wake.words": ["own", "alexa"]}, ""),
    (("--wake-word-name", "a", "b", "c", *_LOCAL), {"wake.words": [{"name": "a", "pipeline": "b"}]}, "!neither its name"),
    (("--wake-word-name", "alexa"), {"wake.listen": "always", "wake.words": ["okay_nabu"]}, "did not count"),
    (("--wake-word-name", "ok_nabu", "--wake-command", "x"), {"wake.words": ["okay_nabu"], "wake.uri": None}, ""),
    (("--wake-word-name", "hey_jarvis_v0.1", "--wake-command", "x"), {"wake.words": ["hey_jarvis"], "wake.engine": "micro"}, ""),
    (("--wake-word-name", "hey_rhasspy", "--wake-command", "x"), {"wake.words": ["hey_rhasspy"], "wake.engine": "open"}, ""),
    (("--wake-word-name", "own", "--wake-command", "x"), {"wake.words": ["okay_nabu"]}, "!no model for 'own'"),
    (("--wake-command", "x"), {"wake.listen": "wake-word"}, "!no program is started"),
    (("--wake-command", "x", *_LOCAL), {"wake.uri": "tcp://127.0.0.1:10400"}, "the service is kept"),
    (("--wake-command-rate", "16000"), {}, ""),
    (("--wake-command-width", "2"), {}, ""),
    (("--wake-command-channels", "1"), {}, ""),
    (("--wake-refractory-seconds", "5.0", *_LOCAL), {"wake.words": [{"name": "ok_nabu", "refractory_ms": 5000}]}, ""),
    (("--wake-refractory-seconds", "-1", *_LOCAL), {"wake.words": [{"name": "ok_nabu", "refractory_ms": 0}]}, ""),
    (
        ("--wake-refractory-seconds", "1e308", *_LOCAL),
        {"wake.words": [{"name": "ok_nabu", "refractory_ms": 60_000}]},
        "cut to 60 s",
    ),
    (("--wake-refractory-seconds", "x", *_LOCAL), {"wake.words": ["ok_nabu"]}, "!not a number"),
    (("--vad",), {"wake.listen": "always", "wake.vad_gate": True}, "all the time"),
    (("--vad", *_LOCAL), {"wake.vad_gate": False}, "did not count"),
    (("--vad-threshold", "0.7", "--vad"), {"vad.threshold": 0.5}, "!opens at 0.5"),
    (("--vad-threshold", "0.5", "--vad"), {}, ""),
    (("--vad-threshold", "0.7"), {}, "did not count"),
    (("--vad-trigger-level", "3", "--vad"), {}, "!first window"),
    (("--vad-buffer-seconds", "2", "--vad"), {}, ""),
    (("--vad-buffer-seconds", "4", "--vad"), {}, "!2 s before"),
    (("--vad-wake-word-timeout", "5"), {}, "not needed"),
    (("--event-uri", "tcp://127.0.0.1:10500"), {"hooks.event_uri": "tcp://127.0.0.1:10500"}, ""),
    (("--event-uri", "stdio://"), {"hooks.event_uri": None}, "!neither"),
    *(
        ((option, "/bin/x --a 'b c'"), {f"hooks.{option[2:-8].replace('-', '_')}": "/bin/x --a 'b c'"}, "")
        for option in _THEIRS
        if re.search("(?<!mic|snd)-command$", option) and option != "--wake-command"
    ),
    (("--timer-canceled-command", "x"), {"hooks.timer_cancelled": "x"}, ""),
    (("--error-command", "hooks/x.sh a"), {"hooks.error": "hooks/x.sh a"}, "!begins where the old"),
    (("--timer-finished-command", "x"), {"sounds.timer": None}, ""),
    (("--awake-wav", "/a b.wav"), {"sounds.awake": "/a b.wav"}, ""),
    (("--done-wav", "done.wav"), {"sounds.done": "done.wav"}, "!begins where the old"),
    (("--timer-finished-wav", "/t.wav"), {"sounds.timer": "/t.wav", "timers.times": None}, ""),
    (("--timer-finished-wav-repeat", "3", "0.5", "--timer-finished-wav", "/t"), {"timers.times": 3, "timers.pause_s": 0.5}, ""),
    (("--timer-finished-wav-repeat", "0", "99", "--timer-finished-wav", "/t"), {"timers.times": None}, "!1 to 1000"),
    (("--timer-finished-wav-repeat", "3", "1"), {"timers.times": None}, "did not count"),
    (("--uri", "tcp://0.0.0.0:10700"), {"hub.host": "", "hub.port": 10_700}, ""),
    (("--uri", "tcp://[::]:10701"), {"hub.host": "", "hub.port": 10_701}, ""),
    (("--uri", "tcp://192.168.1.7:1"), {"hub.host": "192.168.1.7", "hub.port": 1}, ""),
    (("--uri", "unix:///run/x"), {"hub.port": 10_700}, "!not tcp://HOST:PORT"),
    (("--name", "Küche: 1"), {"name": "Küche: 1"}, ""),
    (("--name", "x" * 101), {"name": "x" * 100}, "cut to 100"),
    (("--area", "yes"), {"area": "yes", "name": "Wyoming Satellite"}, ""),
    (("--no-zeroconf",), {"hub.announce": False}, ""),
    (("--zeroconf-name", "kitchen"), {}, "!identity"),
    (("--zeroconf-host", "192.168.1.7"), {"hub.host": ""}, "not needed"),
    (("--debug-recording-dir", "/tmp/x"), {}, "!not recorded"),
    (("--debug",), {}, "satellite -v run"),
    (("--log-format", "%(message)s"), {}, "not needed"),
    (("--version",), {}, "satellite --version"),
]


@pytest.mark.parametrize(("words", "keys", "told"), _EACH, ids=[" ".join(words)[:60] for words, _, _ in _EACH])
def test_every_option(tmp_path: Path, words: tuple[str, ...], keys: dict[str, object], told: str) -> None:
    """The keys are set, and what cannot be is told of in a line."""
    result = _migrated(words)
    values = _as_written(_loaded(result, tmp_path / "config.yaml"))
    assert {key: values[key] for key in keys} == keys
    option = {"--timer-canceled-command": "--timer-cancelled-command"}.get(words[0], words[0])
    lines = [each for each in result.tells if each.option == option]
    if told:
        assert [each.lost for each in lines if told.lstrip("!") in each.line] == [told.startswith("!")]
    elif option not in ("--mic-command", "--wake-word-name"):
        assert not lines


def test_every_option_is_in_the_table_of_this_test() -> None:
    """A new row wants a new example."""
    assert {words[0] for words, _, _ in _EACH} | {"--mic-command"} >= set(_THEIRS)


def test_relative_paths_begin_where_the_old_satellite_did(tmp_path: Path) -> None:
    """A program without a slash is looked for in PATH, and a sound is not."""
    line = ["--awake-wav", "awake.wav", "--error-command", "./say.sh no", "--detect-command", "say yes"]
    config = _loaded(_migrated(line, "/opt/ws/"), tmp_path / "config.yaml")
    assert config.sounds.awake == "/opt/ws/awake.wav"
    assert (config.hooks.error, config.hooks.detect) == ("/opt/ws/say.sh no", "say yes")


@pytest.mark.parametrize(("words", "told"), [((), True), (("--no-zeroconf",), False)])
def test_a_new_device_in_home_assistant_is_told_of(words: tuple[str, ...], told: bool) -> None:
    """Unless it was added by its address, which stays."""
    assert any(each.option == "Home Assistant" for each in _migrated(words).tells) is told


def test_what_is_there_twice_is_told_of() -> None:
    """The last one counted."""
    result = _migrated(["--name", "a", "--name", "b"])
    assert {each.key: each.value for each in result.settings}["name"] == "b"
    assert any(each.option == "--name" and "2 times" in each.line and not each.lost for each in result.tells)


def test_a_line_without_a_microphone_is_another_programs() -> None:
    """Wyoming-satellite does not start with it."""
    with pytest.raises(ConfigError, match="neither --mic-command nor --mic-uri"):
        migrated(line_of_words(["script/run", "--uri", "tcp://127.0.0.1:10400"]))


# ---- any line

_TEXTS = st.text(max_size=30) | st.sampled_from(
    ["yes", "1e3", "null", "#", "a: b", "a #b", "- a", "[", "{a", "'", '"', "2001-01-01", "%", "@", "\n", "a, b", "-5", "default"]
)
_NUMBERS = (st.floats() | st.integers(-3, 70_000) | st.floats(-1, 3)).map(str)
_URIS = st.sampled_from(
    [
        "tcp://0.0.0.0:10700",
        "tcp://[::1]:1",
        "tcp://h:0",
        "tcp://h:99999",
        "tcp://h:²",
        "unix:///x",
        "unix://x y",
        "stdio://",
        "tcp:",
    ]
)
_WORDS = st.sampled_from(["ok_nabu", "okay_nabu", "Hey Jarvis", "hey_rhasspy", "alexa", "own", "alexa_v0.1"])
_COMMANDS = st.sampled_from([_MIC, "parecord --raw", "aplay -D x -c 2", "aplay 'x", "sh -c 'arecord'", "arecord -D '#'"])
_VALUES = _TEXTS | _NUMBERS | _URIS | _WORDS | _COMMANDS


@st.composite
def _occurrences(draw: st.DrawFn) -> list[str]:
    option = draw(st.sampled_from(sorted(TAKES)))
    count = TAKES[option] if TAKES[option] >= 0 else draw(st.integers(1, 3))
    likely = {"uri": _URIS, "command": _COMMANDS | _TEXTS, "name": _WORDS | _TEXTS, "repeat": _NUMBERS}
    values = likely.get(option.rpartition("-")[2], _NUMBERS)
    return [option, *(draw(values | _VALUES) for _ in range(count))]


@settings(max_examples=300, deadline=None)
@given(st.lists(_occurrences(), max_size=25), st.none() | st.just("/opt/x y"))
def test_whatever_the_line_the_file_is_a_configuration(
    tmp_path_factory: pytest.TempPathFactory, options: list[list[str]], directory: str | None
) -> None:
    """With the very values that were decided on, and nothing that is told breaks a line."""
    words = [*_ARECORD, *(word for option in options for word in option)]
    try:
        result = migrated(line_of_words(words, directory))
    except ConfigError:
        # an empty --mic-command came last
        return
    _loaded(result, tmp_path_factory.mktemp("migrate") / "config.yaml")
