"""A model filled from YAML and the environment: what is said of mistakes, and what is none. The model is the configuration."""

import os
from pathlib import Path

import pytest

from satellite.config import Config, load_config
from satellite.errors import ConfigError
from satellite.keys import flat
from satellite.typed_yaml import DEEPEST, LARGEST_FILE_BYTES, MOST_PROBLEMS

HUB_KEYS = "host, port, announce, allow, only, remember"
HUB = f"hub has {HUB_KEYS}"
TOP = f"there are {', '.join(Config.__struct_fields__)}"
PORT = "it has to be a whole number from 0 to 65535"
NAME = "it has to be a text of 1 to 100 characters"
WORDS = (
    "it has to be a list of at most 20 entries, each a text or a section with the keys "
    "name, threshold, refractory_ms, model, pipeline"
)
INDENT = "; keys of one section are indented alike, with spaces"
BLOCK = "while parsing a block mapping from line 1, expected <block end>, but found '<block mapping start>'"

# sections whose keys are commented out, and a byte order mark
AS_GOOD_AS_EMPTY = ["", "# nothing\n", "---\n", "hub:\n", "hub: {}\naudio:\n  # queue_ms: 40\n", "\ufeffname: Satellite"]


def _said(path: Path | None, environ: dict[str, str] | None = None) -> list[str]:
    """What is wrong, line by line; the file is called FILE."""
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ or {})
    return str(caught.value).replace(str(path), "FILE").split("\n")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a configuration may be written."""
    return tmp_path / "config.yaml"


# ---- mistakes in the file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # values
        ("audio: {queue_ms: 500}", "1: audio.queue_ms is 500; it has to be a whole number from 20 to 40"),
        ("audio:\n  warm_up_dbfs: 3 # loud", "2: audio.warm_up_dbfs is 3; it has to be a number from -60 to -6 or null"),
        ("hub:\n\n  port: high", f"3: hub.port is high; {PORT}"),
        ("hub:\n  port: 10700.0", f"2: hub.port is 10700.0; {PORT}"),
        ("hub: {port: yes}", f"1: hub.port is yes; {PORT}"),
        ("hub: {port: '1'}", f"1: hub.port is '1'; {PORT}"),
        ("hub:\n  port:\n", f"2: hub.port is empty; {PORT}"),
        ("hub: {port: 0x_}", f"1: hub.port is 0x_; {PORT}"),
        (f"hub: {{port: {'9' * 5000}}}", f"1: hub.port is {'9' * 60}...; {PORT}"),
        ("wake: {threshold: .nan}", "1: wake.threshold is .nan; it has to be a number above 0 and below 1 or null"),
        ("wake: {words: alexa}", f"1: wake.words is alexa; {WORDS}"),
        ("wake:\n  words:\n  - 1\n  - alexa\n", f"3: wake.words is - 1 - alexa; {WORDS}"),
        ("barge_in: {allow: shouting}", "1: barge_in.allow is shouting; it has to be one of speech, wake-word, stop-word, none"),
        ("name: ''", f"1: name is ''; {NAME}"),
        ("name: {a: b}", f"1: name is {{a: b}}; {NAME}"),
        # texts that YAML takes for something else
        ("name: 123", f"1: name is 123; {NAME}: put it in quotes"),
        ("area: no", "1: area is no; it has to be a text or null: put it in quotes"),
        # keys
        (
            "hub: {prot: 1}",
            f"1: hub.prot is not a key, did you mean hub.port? {HUB}",
        ),
        ("hub:\nport: 1", f"2: port is not a key, did you mean port in the section hub? {TOP}"),
        ("hub.port: 1", f"1: hub.port is not a key, did you mean port in the section hub? {TOP}"),
        ("colour: red", f"1: colour is not a key; {TOP}"),
        ("? [a]\n: 1", f"1: [a] is not a key; {TOP}"),
        ("<<: {name: x}", f"1: << is not a key; {TOP}"),
        ("name: a\nname: b", "2: name is there twice, for the first time in line 1"),
        ("hub:\n  port: 1\n  port: 2", "3: hub.port is there twice, for the first time in line 2"),
        # sections
        ("hub: 5", f"1: hub is 5; it has to be a section with the keys {HUB_KEYS}"),
        ("vad: [a]", "1: vad is [a]; it has to be a section with the keys model, threshold"),
        ("- name: a", f"1: the file is - name: a; it has to be a section with the keys {TOP.removeprefix('there are ')}"),
        # what is no YAML
        ("name: [", "1: not YAML: while parsing a flow node from line 1, expected the node content, but found '<stream end>'"),
        ("hub:\n\tport: 1", rf"2: not YAML: found character '\t' that cannot start any token{INDENT}"),
        ("hub:\n  port: 1\n   host: x", f"3: not YAML: mapping values are not allowed here{INDENT}"),
        ("hub:\n  port: 1\n host: x", f"3: not YAML: {BLOCK}{INDENT}"),
        ("a: 1\n---\nb: 2", "2: not YAML: expected a single document in the stream from line 1, but found another document"),
        ("name: a\narea: \0", "2: the character U+0000 is not allowed"),
        # what may do harm, and nobody needs here
        ("a: &a [1]\nb: [*a, *a]", "2: an alias is not allowed"),
        ("name: !!python/object/apply:os.system [ls]", "1: a tag is not allowed"),
        ("a: " + "[" * DEEPEST, "1: nested too deeply"),
    ],
)
def test_a_mistake_is_told_in_one_line(file: Path, text: str, said: str) -> None:
    """With file, line, key, what was found, and what is allowed."""
    file.write_text(text)
    assert _said(file) == [f"FILE:{said}"]


def test_all_mistakes_are_told_at_once(file: Path) -> None:
    """A line each, those of the file first."""
    file.write_text("hub:\n  port: -1\naudio:\n  rate: 1\n  queue_ms: fast\n")
    said = _said(file, {"SATELLITE_NAME": ""})
    wrong = [line.split(" is ")[0] for line in said]
    assert wrong == ["FILE:2: hub.port", "FILE:4: audio.rate", "FILE:5: audio.queue_ms", "SATELLITE_NAME: name"]


def test_the_wrong_file_does_not_flood_the_log(file: Path) -> None:
    """So many, and a count of the rest."""
    file.write_text("".join(f"key{i}: 1\n" for i in range(MOST_PROBLEMS + 7)))
    assert len(said := _said(file)) == MOST_PROBLEMS + 1 and said[-1] == "and 7 more problems"


def test_a_file_that_is_no_text_is_told(file: Path) -> None:
    """With the line where it ceases to be one."""
    file.write_bytes("name: Küche\narea: Küche\n".encode() + "name: Küche".encode("latin-1"))
    assert _said(file) == ["FILE:3: this is not UTF-8: byte 0xfc"]


def test_a_file_that_is_too_large_is_not_read(file: Path) -> None:
    """Nobody has so much to say."""
    file.write_text("#" * (LARGEST_FILE_BYTES + 1))
    assert _said(file) == ["FILE: it is larger than 64 KiB"]


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    """Missing, a directory, a pipe that nobody writes to, below a file."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    assert _said(tmp_path / "none") == ["FILE: No such file or directory"]
    assert _said(tmp_path) == ["FILE: this is not a file"]
    assert _said(tmp_path / "pipe") == ["FILE: this is not a file"]
    assert _said(tmp_path / "file" / "x") == ["FILE: Not a directory"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(file: Path) -> None:
    """With the reason."""
    file.touch(mode=0o000)
    assert _said(file) == ["FILE: Permission denied"]


# ---- what is no mistake


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "---\n", "hub:\n", "hub: {}\naudio:\n  # queue_ms: 40\n", "\ufeffname: Satellite"]
)
def test_what_is_left_out_has_its_default(file: Path, text: str) -> None:
    """As without a file."""
    file.write_text(text)
    assert load_config(file, {}) == load_config(None, {}) == Config()


@pytest.mark.parametrize("name", ["2024-01-01", "2024-13-45", "<<", "=", "Küche"])
def test_what_looks_odd_is_a_text(file: Path, name: str) -> None:
    """Dates too, also those that are none."""
    file.write_text(f"name: {name}")
    assert load_config(file, {}).name == name


# ---- the environment


@pytest.mark.parametrize(
    ("variable", "text", "key", "value"),
    [
        ("SATELLITE_HUB__PORT", "10701", "hub.port", 10701),
        ("SATELLITE_NAME", "Kitchen #1: left", "name", "Kitchen #1: left"),
        ("SATELLITE_NAME", '"Kitchen"', "name", "Kitchen"),
        ("SATELLITE_NAME", "123", "name", "123"),
        ("SATELLITE_AREA", "no", "area", "no"),
        ("SATELLITE_AREA", "", "area", None),
        ("SATELLITE_AREA", "null", "area", None),
        ("SATELLITE_WAKE__WORDS", "[alexa, okay_nabu]", "wake.words", ("alexa", "okay_nabu")),
        ("SATELLITE_AUDIO__WARM_UP_DBFS", "-30", "audio.warm_up_dbfs", -30.0),
        ("SATELLITE_AUDIO__MICROPHONE", "plughw:CARD=Device,DEV=0", "audio.microphone", "plughw:CARD=Device,DEV=0"),
        ("SATELLITE_BARGE_IN__ALLOW", "none", "barge_in.allow", "none"),
    ],
)
def test_a_variable_counts_more_than_the_file(file: Path, variable: str, text: str, key: str, value: object) -> None:
    """And changes nothing else."""
    file.write_text("{name: x, area: x, hub: {port: 1, host: y}, wake: {words: [x]}, audio: {microphone: x}}")
    before, after = flat(load_config(file, {})), flat(load_config(file, {variable: text, "HOME": "/", "MY_SATELLITE_NAME": "z"}))
    assert after == before | {key: value}


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("SATELLITE_HUB__PORT", "99999", f"hub.port is 99999; {PORT}"),
        ("SATELLITE_HUB__PORT", "", f"hub.port is empty; {PORT}"),
        ("SATELLITE_WAKE__WORDS", "[alexa", f"wake.words is [alexa; {WORDS}"),
        (
            "SATELLITE_HUB__PROT",
            "1",
            f"hub.prot is not a key, did you mean hub.port? {HUB}",
        ),
        ("SATELLITE_PORT", "1", f"port is not a key, did you mean port in the section hub? {TOP}"),
        ("SATELLITE_HUB__PORT__TCP", "1", "hub.port.tcp is not a key; hub.port has none"),
        ("SATELLITE_Name", "x", f"nAME is not a key; {TOP}"),
        ("SATELLITE_", "x", f"empty is not a key; {TOP}"),
        (
            "SATELLITE_HUB",
            "{port: 1}",
            f"hub is {{port: 1}}; it has to be a section with the keys {HUB_KEYS}",
        ),
        ("SATELLITE_NAME", "a\x1b[31m", "the character U+001B is not allowed"),
        ("SATELLITE_NAME", "caf\udce9", "the character U+DCE9 is not allowed"),
    ],
)
def test_a_mistake_in_the_environment_is_told_with_its_variable(variable: str, text: str, said: str) -> None:
    """A variable with our prefix that is none of ours is one."""
    assert _said(None, {variable: text}) == [f"{variable}: {said}"]
