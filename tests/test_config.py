"""The configuration: its example, what can change while running, and the command that reads it."""

import asyncio
import os
import re
import signal
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from satellite import cli, daemon
from satellite.cli import EXIT_CONFIG, main
from satellite.config import (
    Audio,
    BargeIn,
    Changes,
    Config,
    Hub,
    Listen,
    Listening,
    Phases,
    SpokenWord,
    Vad,
    Wake,
    WakeEngine,
    WakeWord,
    changes,
    is_live,
    load_config,
)
from satellite.core.health import MOST_NEAR_END_DB
from satellite.core.say import Allow, FollowUp
from satellite.core.sensitivity import PROFILES, Sensitivity
from satellite.core.state import State
from satellite.errors import ConfigError
from satellite.keys import allowed, flat, keys, limits, nested

EXAMPLE = Path(__file__).parents[1] / "config.example.yaml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a configuration may be written."""
    return tmp_path / "config.yaml"


# ---- the example


def test_the_example_holds_the_defaults() -> None:
    """Every key of the example has the value that leaving it out gives."""
    assert load_config(EXAMPLE, {}) == Config()


def _example_comments() -> dict[str, str]:
    """What the example says of each key, by its dotted name: the comment behind it, and the lines that go on with it."""
    comments: dict[str, str] = {}
    section, key = "", ""
    for line in EXAMPLE.read_text("utf-8").splitlines():
        if entry := re.fullmatch(r"(?P<indent> *)(?P<name>\w+):(?P<value>[^#]*)(#(?P<comment>.*))?", line):
            if not entry["value"].strip():
                section = entry["name"]
                continue
            key = f"{section}.{entry['name']}" if entry["indent"] else entry["name"]
            comments[key] = entry["comment"] or ""
        elif key and re.fullmatch(r" +#.*", line):
            comments[key] += line.strip(" #")
    return comments


def test_the_example_has_every_key_once_in_the_order_of_the_model() -> None:
    """None is left out, none is told of that is not there."""
    assert list(_example_comments()) == list(keys(Config))


@pytest.mark.parametrize(("key", "kind"), keys(Config).items())
def test_the_example_says_of_a_key_what_the_model_says(key: str, kind: object) -> None:
    """Unit, range or choices, whether null is allowed, and whether it can change while running."""
    comment = _example_comments()[key]
    units = {"_ms": " ms,", "_hz": " Hz,", "_dbfs": " dBFS,", "probability": " probability ", "threshold": " probability "}
    assert all(unit in comment for suffix, unit in units.items() if key.endswith(suffix))
    assert limits(kind) in comment
    assert ("[live]" in comment) == is_live(kind)
    words = allowed(kind)
    if words.startswith("one of"):
        assert words in comment
    if words.endswith("or null"):
        assert "null" in comment


def test_the_example_says_what_a_profile_has_where_a_number_is_null() -> None:
    """In the order of the profiles."""
    comments, profiles = _example_comments(), [PROFILES[sensitivity] for sensitivity in Sensitivity]
    numbers = {
        "duck_probability": [profile.reflex.duck_probability for profile in profiles],
        "near_end_db": [profile.reflex.near_end_db for profile in profiles],
        "commit_ms": [profile.burst.commit_ms for profile in profiles],
        "resume_after_ms": [profile.burst.quiet_ms for profile in profiles],
    }
    for key, three in numbers.items():
        assert f"null for {', '.join(f'{number:g}' for number in three)}:" in comments[f"barge_in.{key}"]
    assert f"up to {MOST_NEAR_END_DB:g}," in comments["barge_in.near_end_db"]


# ---- any configuration


def _texts(most: int = 20) -> st.SearchStrategy[str]:
    return st.text(min_size=1, max_size=most)


_PROBABILITIES = st.floats(0, 1, exclude_min=True, exclude_max=True)
_WORDS = st.builds(
    WakeWord,
    name=_texts(100),
    threshold=st.none() | _PROBABILITIES,
    refractory_ms=st.integers(0, 60_000),
    pipeline=st.none() | _texts(),
    model=st.none() | _texts(),
)


def _name(word: str | SpokenWord) -> str:
    return word if isinstance(word, str) else word.name


_STOP_WORDS = st.builds(
    SpokenWord, name=st.integers(0).map("stop {}".format), threshold=st.none() | _PROBABILITIES, model=st.none() | _texts()
)


def _barge_ins(allow: st.SearchStrategy[Allow], fewest: int) -> st.SearchStrategy[BargeIn]:
    """With so many stop words at least."""
    return st.builds(
        BargeIn,
        allow=allow,
        stop_words=st.lists(_STOP_WORDS, min_size=fewest, max_size=20, unique_by=_name).map(tuple),
        sensitivity=st.sampled_from(Sensitivity),
        duck_probability=st.none() | _PROBABILITIES,
        near_end_db=st.none() | st.floats(8, 40),
        commit_ms=st.none() | st.integers(200, 2000),
        resume_after_ms=st.none() | st.integers(200, 600),
        announcement_allow=st.none() | allow,
        announcement_sensitivity=st.none() | st.sampled_from(Sensitivity),
        preroll_ms=st.integers(0, 2000),
        interrupt_phases=st.sampled_from(Phases),
    )


_NETWORKS = st.ip_addresses().map(str) | st.sampled_from(["private", "203.0.113.0/24", "2001:db8::/32", "0.0.0.0/0", "::/0"])

_CONFIGS = st.builds(
    Config,
    name=_texts(100),
    area=st.none() | _texts(),
    hub=st.builds(
        Hub,
        host=_texts(),
        port=st.integers(0, 65535),
        announce=st.booleans(),
        allow=st.lists(_NETWORKS, max_size=9).map(lambda networks: ("private", *networks)),
        only=st.none() | st.sampled_from(["homeassistant.local", "192.168.1.7", "fd00::/64"]),
        remember=st.booleans(),
    ),
    audio=st.builds(
        Audio,
        rate_hz=st.integers(8000, 192_000),
        queue_ms=st.integers(20, 40),
        microphone_channel=st.integers(0, 63),
        reference=st.just("playback") | st.integers(0, 99).map("channel {}".format),
        warm_up_dbfs=st.none() | st.floats(-60, -6),
    ),
    wake=st.one_of(
        st.builds(
            Wake,
            engine=st.sampled_from(WakeEngine),
            words=st.lists(_texts() | _WORDS, min_size=1, max_size=20, unique_by=_name).map(tuple),
            threshold=st.none() | _PROBABILITIES,
        ),
        st.builds(Wake, uri=st.just("tcp://host:10400"), vad_gate=st.booleans()),
        st.builds(Wake, listen=st.just(Listen.ALWAYS), vad_gate=st.booleans()),
    ),
    vad=st.builds(Vad, model=st.none() | _texts()),
    barge_in=_barge_ins(st.sampled_from([level for level in Allow if level is not Allow.STOP_WORD]), 0)
    | _barge_ins(st.just(Allow.STOP_WORD), 1),
    listening=st.builds(
        Listening,
        silence_ms=st.integers(200, 3000),
        follow_up=st.sampled_from(FollowUp),
        follow_up_ms=st.integers(1000, 15_000),
    ),
)


@given(config=_CONFIGS)
def test_a_configuration_that_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, config: Config) -> None:
    """Whatever it holds."""
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump(msgspec.to_builtins(config)))
    assert load_config(path, {}) == config


@given(config=_CONFIGS)
def test_a_configuration_can_be_taken_apart(config: Config) -> None:
    """And put together again."""
    assert msgspec.convert(nested(flat(config)), Config) == config


# ---- what can change while running

_OLD = Config()
_PATIENT = Listening(silence_ms=900)
_LIVE = BargeIn(allow=Allow.NONE, sensitivity=Sensitivity.NOISY, duck_probability=0.5, commit_ms=600, preroll_ms=200)


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (_OLD, Changes(_OLD, (), ())),
        (
            Config(listening=Listening(silence_ms=900)),
            Changes(Config(listening=Listening(silence_ms=900)), ("listening.silence_ms",), ()),
        ),
        (Config(hub=Hub(port=1), audio=Audio(speaker="x")), Changes(_OLD, (), ("hub.port", "audio.speaker"))),
        (
            Config(name="x", wake=Wake(words=("alexa",)), barge_in=_LIVE),
            Changes(
                Config(barge_in=_LIVE),
                tuple(f"barge_in.{key}" for key in ("allow", "sensitivity", "duck_probability", "commit_ms", "preroll_ms")),
                ("name", "wake.words"),
            ),
        ),
    ],
)
def test_changes_are_told_apart(new: Config, expected: Changes) -> None:
    """What is live is taken over, the rest named; both in the order of the model."""
    assert changes(_OLD, new) == expected


@pytest.mark.parametrize(
    ("text", "channel"), [("reference: channel 5", 5), ("reference: playback", None), ("queue_ms: 20", None)]
)
def test_the_reference_is_playback_or_a_channel(tmp_path: Path, text: str, channel: int | None) -> None:
    """As one would write it, without quotes or braces."""
    path = tmp_path / "config.yaml"
    path.write_text(f"audio:\n  {text}\n")
    assert load_config(path, {}).audio.reference_channel == channel


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{words: [alexa, {name: alexa}]}", "wake.words: 'alexa' is there twice"),
        ("{words: 5}", "wake.words is 5; it has to be a list of at most 20 entries, each a text or a section with the keys name"),
        ("{words: [], listen: always}", "wake.words: there is none that could be listened for elsewhere"),
        ("{words: [{name: computer, modle: x}]}", "wake.words is [{name: computer, modle: x}]"),
        ("{engine: porcupine}", "wake.engine is porcupine; it has to be one of micro, open"),
        ("{uri: 'http://example.org:80'}", "wake.uri is 'http://example.org:80'; it has to be tcp://HOST:PORT or"),
        ("{uri: 'tcp://host:10400', listen: always}", "wake.uri, listen: the wake word is found by a service or by the hub"),
        ("{uri: 'tcp://host:10400', threshold: 0.5}", "wake.threshold, model: whoever finds the words elsewhere"),
        ("{vad_gate: true}", "wake.vad_gate: nothing is streamed that it could hold back"),
    ],
)
def test_what_contradicts_itself_is_a_mistake(file: Path, text: str, said: str) -> None:
    """Told with the file and the line of its section."""
    file.write_text(f"name: x\nwake: {text}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value).startswith(f"{file}:2: {said}")


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("sensitivity", "loud", "one of quiet, normal, noisy"),
        ("resume_after_ms", "700", "a whole number from 200 to 600 or null"),
        ("near_end_db", "4", "a number from 8 to 40 or null"),
        ("commit_ms", "0.5", "a whole number from 200 to 2000 or null"),
        ("announcement_sensitivity", "quite", "one of quiet, normal, noisy or null"),
    ],
)
def test_a_threshold_has_its_range_or_is_the_profiles(file: Path, key: str, text: str, expected: str) -> None:
    """What is wrong is told with both; null is what the example has."""
    file.write_text(f"barge_in:\n  {key}: {text}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value) == f"{file}:2: barge_in.{key} is {text}; it has to be {expected}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{allow: stop-word}", "barge_in.allow: stop-word needs a word in `stop_words`, and there is none"),
        ("{stop_words: [stop, {name: stop, model: x.json}]}", "barge_in.stop_words: 'stop' is there twice"),
        ("{stop_words: [stop, alexa]}", "barge_in.stop_words: 'alexa' is in wake.words too; a word either wakes or stops"),
        (
            "{stop_words: [{name: stop, pipeline: x}]}",
            "barge_in.stop_words is [{name: stop, pipeline: x}]; it has to be a list of",
        ),
    ],
)
def test_a_stop_word_that_cannot_be_one_is_a_mistake(file: Path, text: str, said: str) -> None:
    """Told with the file and the line of its section, also where another section is what it contradicts."""
    file.write_text(f"wake: {{words: [alexa]}}\nbarge_in: {text}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})
    assert str(caught.value).startswith(f"{file}:2: {said}")


def test_a_stop_word_may_have_its_own_settings(file: Path) -> None:
    """The threshold of the wake words is not for it."""
    file.write_text("wake: {threshold: 0.6}\nbarge_in: {allow: stop-word, stop_words: [cancel, {name: stop, model: stop.json}]}")
    cancel, stop = load_config(file, {}).barge_in.each_stop_word
    assert (cancel.name, cancel.threshold, cancel.model_path) == ("cancel", None, None)
    assert (stop.name, stop.threshold, stop.model_path) == ("stop", None, Path("stop.json"))


def test_only_the_stop_word_is_let_in_when_there_is_one() -> None:
    """`allow` is live and `stop_words` is not: alone, it would leave nothing that interrupts."""
    with_words = Config(barge_in=BargeIn(allow=Allow.STOP_WORD, stop_words=("stop",)))
    assert changes(Config(), with_words) == Changes(Config(), (), ("barge_in.allow", "barge_in.stop_words"))
    before = Config(barge_in=BargeIn(stop_words=("stop",)))
    assert changes(before, with_words) == Changes(with_words, ("barge_in.allow",), ())


def test_a_word_may_have_its_own_settings(file: Path) -> None:
    """What a word does not say holds for all of them."""
    file.write_text("wake: {threshold: 0.6, words: [alexa, {name: computer, threshold: 0.9, refractory_ms: 900, model: c.json}]}")
    alexa, computer = load_config(file, {}).wake.each
    assert (alexa.name, alexa.threshold, alexa.refractory_ms, alexa.model_path) == ("alexa", 0.6, 1500, None)
    assert (computer.name, computer.threshold, computer.refractory_ms) == ("computer", 0.9, 900)
    assert computer.model_path == Path("c.json")


@given(old=_CONFIGS, new=_CONFIGS)
def test_a_change_is_either_live_or_needs_a_restart(old: Config, new: Config) -> None:
    """Every key that differs is one of the two; once taken over, only what needs a restart is left."""
    first = changes(old, new)
    assert {*first.live, *first.restart} == {key for key in keys(Config) if flat(old)[key] != flat(new)[key]}
    assert changes(first.config, new) == Changes(first.config, (), first.restart)


# ---- the command


def test_a_file_that_is_missing_ends_with_the_code_systemd_knows(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command exits with 78 and one line."""
    assert main(["run", "--config", str(file)]) == EXIT_CONFIG
    assert capsys.readouterr().err == f"satellite: {file}: No such file or directory\n"


def test_each_mistake_is_a_line_of_the_command(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That says who speaks."""
    file.write_text("hub: {port: x, host: 1}")
    assert main(["run", "--config", str(file)]) == EXIT_CONFIG
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" is ")[0] for line in lines] == [f"satellite: {file}:1: hub.port", f"satellite: {file}:1: hub.host"]


def test_a_default_path_that_cannot_be_reached_is_no_missing_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Running with the defaults instead would be a surprise."""
    (tmp_path / "satellite").touch()
    monkeypatch.setattr(cli, "_CONFIG_PATH", tmp_path / "satellite" / "config.yaml")
    assert main(["run"]) == EXIT_CONFIG
    assert "Not a directory" in capsys.readouterr().err


# ---- SIGHUP


class _FakeService:
    """Is told of a signal as soon as it runs, and of SIGTERM once it has been reconfigured."""

    state = State.OFFLINE

    def __init__(self) -> None:
        self.configs: list[Config] = []
        self.is_running = False
        self.failed = asyncio.Event()

    async def start(self) -> int:
        self.is_running = True
        os.kill(os.getpid(), signal.SIGHUP)
        return 0

    async def stop(self) -> None:
        self.is_running = False

    def reconfigure(self, config: Config) -> None:
        assert self.is_running
        self.configs.append(config)
        os.kill(os.getpid(), signal.SIGTERM)


def test_sighup_has_the_file_read_again_and_the_service_goes_on() -> None:
    """Until SIGTERM."""
    service, new = _FakeService(), Config(listening=_PATIENT)

    async def story() -> int:
        async with asyncio.timeout(10):
            return await daemon.serve(service, lambda: new, service.reconfigure)  # type: ignore[arg-type]

    assert asyncio.run(story()) == 0
    assert service.configs == [new] and not service.is_running


def test_a_file_that_has_become_wrong_changes_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And each of its mistakes is in the log."""
    service = _FakeService()
    file.write_text("name: ''\nhub: 1")
    asyncio.run(daemon._reload(service, lambda: load_config(file, {})))  # type: ignore[arg-type]
    assert service.configs == []
    assert [(r.levelname, r.getMessage().split(" is ")[0]) for r in caplog.records] == [
        ("ERROR", f"the configuration stays as it was: {file}:1: name"),
        ("ERROR", f"the configuration stays as it was: {file}:2: hub"),
    ]


# ---- who may be the hub


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("allow: [192.168.1.5/24]", "hub.allow: it is '192.168.1.5/24', an address within 192.168.1.0/24"),
        ("allow: [private, lan]", "hub.allow: it is 'lan'; it has to be private, an address, or a network such as"),
        ("allow: []", "hub.allow is []; it has to be a list of 1 to 64, each private, an address or a network"),
        ("allow: private", "hub.allow is private; it has to be a list of 1 to 64"),
        ("only: 192.168.1", "hub.only: it is '192.168.1'; it has to be a host name, an address, or a network such as"),
        ("only: 8.8.8.8", "hub.only: 8.8.8.8 is not in hub.allow; add it there, too"),
        ("only: 5", "hub.only is 5"),
    ],
)
def test_a_network_that_is_none_is_told_with_its_line(file: Path, text: str, problem: str) -> None:
    """By key, with what would be one."""
    file.write_text(f"hub:\n  {text}\n")
    with pytest.raises(ConfigError) as mistake:
        load_config(file, {})
    assert str(mistake.value).startswith(f"{file}:") and problem in str(mistake.value)


@pytest.mark.parametrize(
    ("text", "pinned"),
    [("only: homeassistant.local", None), ("only: 192.168.1.7", 1), ("only: fd00::/8", 1), ("", 0)],
)
def test_a_hub_may_be_pinned_by_name_address_or_network(file: Path, text: str, pinned: int | None) -> None:
    """Where a name is, is found out later."""
    file.write_text(f"hub:\n  allow: [private, 2001:db8::/32, '::1', 203.0.113.7]\n  {text}\n")
    hub = load_config(file, {}).hub
    assert (None if hub.pinned is None else len(hub.pinned)) == pinned
    assert len(hub.allowed) == 11
    assert load_config(None, {"SATELLITE_HUB__ALLOW": "[fe80::/10, 10.0.0.7]"}).hub.allow == ("fe80::/10", "10.0.0.7")


# ---- servers over TLS


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("servers: {pins: [abc]}", "servers.pins"),
        ("servers: {ca_file: /ca.pem}", "servers.ca_file, servers.pins: no server is at tls://HOST:PORT"),
        (f"servers: {{pins: ['{'ab' * 32}']}}\nstt: {{uri: 'tcp://nas:10300'}}", "no server is at tls://HOST:PORT"),
        (f"servers: {{ca_file: /ca.pem, pins: ['{'ab' * 32}']}}\nstt: {{uri: 'tls://nas:1'}}", "it is the one or the other"),
        ("stt: {uri: 'tls://nas:99999'}", "stt.uri: tls://nas:99999 has a port that is none"),
        ("stt: {uri: 'ssl://nas:1'}", "discover, or tcp://HOST:PORT or tls://HOST:PORT, or a list of these"),
        ("external: {mic_uri: 'tls://nas:1'}", "external.mic_uri is 'tls://nas:1'; it has to be tcp://HOST:PORT or unix:///PATH"),
    ],
)
def test_what_would_protect_nothing_is_a_mistake(file: Path, text: str, problem: str) -> None:
    """Who pins a certificate does not want clear text."""
    file.write_text(f"{text}\n")
    with pytest.raises(ConfigError) as mistake:
        load_config(file, {})
    assert problem in str(mistake.value)


@pytest.mark.parametrize(
    "where", ["stt: {uri: %s}", "tts: {uri: [%s]}", "dialog: {intent: %s}", "wake: {uri: %s}", "hooks: {event_uri: %s}"]
)
def test_a_server_of_any_kind_may_be_at_tls(file: Path, where: str) -> None:
    """And then pins are of use, as `openssl x509 -fingerprint -sha256` prints them, too."""
    pin = ":".join(["AB"] * 32)
    file.write_text(f"{where % 'tls://nas.lan:10300'}\nservers: {{pins: [{pin}, {'cd' * 32}]}}\n")
    assert load_config(file, {}).servers.pins == (pin, "cd" * 32)
