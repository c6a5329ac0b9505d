"""The table: every option of wyoming-satellite 1.4.1, and what becomes of it."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from satellite.config import Config
from satellite.errors import ConfigError
from satellite.keys import allowed, fits, keys
from satellite.migrate import sound, wake
from satellite.migrate.arguments import MANY, occurrences
from satellite.migrate.line import Line
from satellite.migrate.outcome import Cannot, Given, Outcome, Rule, Sets, Tells, number, service_uri, whole


@dataclass(frozen=True, slots=True)
class Row:
    """An option: how many values it takes, what it becomes, and what becomes of its absence."""

    option: str
    rule: Rule
    absent: Rule | None = None
    takes: int = 1
    also: str | None = None
    """Another spelling."""


# ---- rules that need one line


def _text(key: str, convert: Callable[[str], object] = str) -> Callable[[str], Rule]:
    """The value, converted, becomes a key."""

    def of(option: str) -> Rule:
        def rule(given: Given) -> Iterator[Outcome]:
            yield Sets(key, convert(given.text(option)), option)

        return rule

    return of


def _tells(why: str, instead: str, lost: bool) -> Callable[[str], Rule]:
    def of(option: str) -> Rule:
        def rule(_given: Given) -> Iterator[Outcome]:
            yield Tells(option, why, instead, lost)

        return rule

    return of


def _no_equal(why: str, instead: str) -> Callable[[str], Rule]:
    return _tells(why, instead, lost=True)


def _not_needed(why: str, instead: str = "") -> Callable[[str], Rule]:
    return _tells(f"not needed: {why}", instead, lost=False)


def _part_of(_other: str) -> Callable[[str], Rule]:
    """What it says is read by the rule of the other option."""
    return lambda _option: lambda _given: iter(())


def _as_it_is(rule: Rule) -> Callable[[str], Rule]:
    return lambda _option: rule


# ---- and those that need more


def _uri(given: Given) -> Iterator[Outcome]:
    uri = given.text("--uri")
    found = re.fullmatch(r"tcp://(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:/]*)):(?P<port>\d{1,5})/?", uri, re.ASCII)
    if found is None:
        raise Cannot(f"{uri!r} is not tcp://HOST:PORT, and nothing else is listened on", "hub.host and hub.port say where")
    host = found["v6"] or found["host"] or ""
    yield Sets("hub.host", "" if host in ("0.0.0.0", "::") else host, "--uri")
    yield Sets("hub.port", int(found["port"]), "--uri")


def _name(given: Given) -> Iterator[Outcome]:
    name = given.text("--name")
    yield Sets("name", name[:100], "--name")
    if len(name) > 100:
        yield Tells("--name", "it was cut to 100 characters", lost=False)


def _no_name(_given: Given) -> Iterator[Outcome]:
    yield Sets("name", "Wyoming Satellite", "no --name: what it then was")


def _placed(given: Given, option: str, path: str) -> tuple[str, list[Tells]]:
    """A path from where the old satellite was started, and a word if nobody knows where that is."""
    if path.startswith(("/", "~", "$", "%")):
        return path, []
    if given.directory is not None:
        return f"{given.directory.rstrip('/')}/{path.removeprefix('./')}", []
    return path, [Tells(option, f"{path!r} begins where the old satellite was started", "Write all of the path")]


def _hook(option: str) -> Rule:
    key = f"hooks.{option[2:].removesuffix('-command').replace('-', '_')}"

    def rule(given: Given) -> Iterator[Outcome]:
        program, space, values = given.text(option).partition(" ")
        # one without a slash is looked for in PATH, as it was
        placed, tells = _placed(given, option, program) if "/" in program else (program, [])
        yield Sets(key, placed + space + values, option)
        yield from tells

    return rule


def _wav(key: str) -> Callable[[str], Rule]:
    def of(option: str) -> Rule:
        def rule(given: Given) -> Iterator[Outcome]:
            file, tells = _placed(given, option, given.text(option))
            yield Sets(key, file, option)
            yield from tells

        return rule

    return of


def _no_awake_wav(_given: Given) -> Iterator[Outcome]:
    yield Sets("sounds.awake", None, "no --awake-wav: silent as before; without this line there is a chime")


def _no_timer_wav(given: Given) -> Iterator[Outcome]:
    if given.text("--timer-finished-command"):
        yield Sets("sounds.timer", None, "no --timer-finished-wav: its command tells that it ends")
        return
    why = "there is none, and a timer ended without a sound; here it rings until somebody stops it"
    yield Tells("--timer-finished-wav", why, "Set sounds.timer: null for silence", lost=False)


def _timer_repeat(given: Given) -> Iterator[Outcome]:
    option = "--timer-finished-wav-repeat"
    if not given.text("--timer-finished-wav"):
        yield Tells(option, "it did not count without --timer-finished-wav", lost=False)
        return
    times, pause_s = (number(value) for value in given.values(option))
    yield Sets("timers.times", int(times), option)
    yield Sets("timers.pause_s", pause_s, option)


def _no_timer_repeat(given: Given) -> Iterator[Outcome]:
    if given.text("--timer-finished-wav"):
        why = "there is none, and the sound was played once; here it rings until somebody stops it, for 15 minutes at most"
        yield Tells("--timer-finished-wav-repeat", why, "Set timers.times: 1 for once", lost=False)


def _vad(given: Given) -> Iterator[Outcome]:
    if wake.is_local(given):
        yield Tells("--vad", "it did not count beside --wake-uri or --wake-command", lost=False)


def _fixed(value: float, why: str) -> Callable[[str], Rule]:
    """Of the voice gate, where ours has one value."""

    def of(option: str) -> Rule:
        def rule(given: Given) -> Iterator[Outcome]:
            if not given.has("--vad") or wake.is_local(given):
                yield Tells(option, "it did not count without --vad, or beside --wake-uri", lost=False)
            elif number(given.text(option)) != value:
                yield Tells(option, why, "There is no key for it")

        return rule

    return of


def _no_zeroconf(_given: Given) -> Iterator[Outcome]:
    yield Sets("hub.announce", False, "--no-zeroconf")


def _row(
    option: str,
    becomes: Callable[[str], Rule],
    absent: Rule | None = None,
    takes: int = 1,
    also: str | None = None,
) -> Row:
    return Row(option, becomes(option), absent, takes, also)


_flag = partial(_row, takes=0)

# ---- the table

ROWS = (
    _row("--mic-uri", _as_it_is(sound.uri_of("mic"))),
    _row("--mic-command", _as_it_is(sound.mic_command)),
    _row("--mic-command-rate", _as_it_is(sound.mic_rate), sound.mic_rate),
    _row("--mic-command-width", _as_it_is(sound.width_of("mic"))),
    _row("--mic-command-channels", _as_it_is(sound.mic_channels)),
    _row("--mic-command-samples-per-chunk", _not_needed("the microphone is read as it comes, every 10 ms")),
    _row("--mic-volume-multiplier", _as_it_is(sound.mic_gain)),
    _row("--mic-noise-suppression", _as_it_is(sound.noise_suppression)),
    _row("--mic-auto-gain", _as_it_is(sound.auto_gain)),
    _row("--mic-seconds-to-mute-after-awake-wav", _not_needed("the microphone is never muted for a chime")),
    _flag("--mic-no-mute-during-awake-wav", _not_needed("the microphone is never muted for a chime")),
    _row("--mic-channel-index", _text("audio.microphone_channel", whole)),
    _row("--snd-uri", _as_it_is(sound.uri_of("snd"))),
    _row("--snd-command", _as_it_is(sound.snd_command), sound.no_speaker),
    _row("--snd-command-rate", _as_it_is(sound.external_of("snd", "rate", "rate_hz"))),
    _row("--snd-command-width", _as_it_is(sound.width_of("snd"))),
    _row("--snd-command-channels", _as_it_is(sound.external_of("snd", "channels", "channels"))),
    _row("--snd-volume-multiplier", _as_it_is(sound.volume)),
    _row("--wake-uri", _as_it_is(wake.wake), wake.wake),
    _row("--wake-word-name", _as_it_is(wake.extra_values), takes=MANY),
    _row("--wake-command", _as_it_is(wake.command)),
    _row("--wake-command-rate", _part_of("--wake-command")),
    _row("--wake-command-width", _part_of("--wake-command")),
    _row("--wake-command-channels", _part_of("--wake-command")),
    _row("--wake-refractory-seconds", _part_of("--wake-word-name")),
    _flag("--vad", _as_it_is(_vad)),
    _row("--vad-threshold", _fixed(0.5, "the gate opens at 0.5; vad.threshold is for commands")),
    _row("--vad-trigger-level", _fixed(1, "the gate opens with the first window that holds a voice")),
    _row("--vad-buffer-seconds", _fixed(2, "2 s before the voice are sent, always")),
    _row("--vad-wake-word-timeout", _not_needed("the gate closes 2 s after the last voice")),
    _row("--event-uri", _text("hooks.event_uri", service_uri)),
    _row("--startup-command", _hook),
    _row("--detect-command", _hook),
    _row("--detection-command", _hook),
    _row("--transcript-command", _hook),
    _row("--stt-start-command", _hook),
    _row("--stt-stop-command", _hook),
    _row("--synthesize-command", _hook),
    _row("--tts-start-command", _hook),
    _row("--tts-stop-command", _hook),
    _row("--tts-played-command", _hook),
    _row("--streaming-start-command", _hook),
    _row("--streaming-stop-command", _hook),
    _row("--error-command", _hook),
    _row("--connected-command", _hook),
    _row("--disconnected-command", _hook),
    _row("--timer-started-command", _hook),
    _row("--timer-updated-command", _hook),
    _row("--timer-cancelled-command", _hook, also="--timer-canceled-command"),
    _row("--timer-finished-command", _hook),
    _row("--awake-wav", _wav("sounds.awake"), _no_awake_wav),
    _row("--done-wav", _wav("sounds.done")),
    _row("--timer-finished-wav", _wav("sounds.timer"), _no_timer_wav),
    _row("--timer-finished-wav-repeat", _as_it_is(_timer_repeat), _no_timer_repeat, takes=2),
    _row("--uri", _as_it_is(_uri)),
    _row("--name", _as_it_is(_name), _no_name),
    _row("--area", _text("area")),
    _flag("--no-zeroconf", _as_it_is(_no_zeroconf)),
    _row(
        "--zeroconf-name",
        _no_equal(
            "Home Assistant knows us by an identity made from the machine", "Add the new device there, and delete the old one"
        ),
    ),
    _row("--zeroconf-host", _not_needed("every address of this machine is announced", "hub.host limits it to one")),
    _row(
        "--debug-recording-dir",
        _no_equal("what is heard is not recorded", "To find out what is wrong with the sound: satellite check --report FILE"),
    ),
    _flag("--debug", _not_needed("it is no key", "Start with satellite -v run to log every event")),
    _row("--log-format", _not_needed("the format is fixed, and the journal adds the time")),
    _flag("--version", _not_needed("it only printed one", "So does satellite --version")),
)

TAKES = {row.option: row.takes for row in ROWS} | {row.also: row.takes for row in ROWS if row.also}


@dataclass(frozen=True, slots=True)
class Migrated:
    """What has become of a line: keys, each at most once and each with a value that it may have, and what to tell."""

    settings: tuple[Sets, ...]
    tells: tuple[Tells, ...]

    @property
    def is_complete(self) -> bool:
        """Whether the new satellite does all that the old one did."""
        return not any(tells.lost for tells in self.tells)


def migrated(line: Line) -> Migrated:
    """What becomes of it. ConfigError if wyoming-satellite would not have started with it."""
    given, tells = _given(line)
    if not given.text("--mic-command") and not given.text("--mic-uri"):
        why = (
            "there is neither --mic-command nor --mic-uri, without which wyoming-satellite does not start: "
            "is it the line of another program, or is a backslash missing at a line's end?"
        )
        raise ConfigError("\n".join([why, *(each.line for each in tells if each.lost)]))
    settings: dict[str, Sets] = {}
    kinds = keys(Config)
    for outcome in _outcomes(given):
        if isinstance(outcome, Tells):
            tells.append(outcome)
        elif fits(kinds[outcome.key], outcome.value):
            settings[outcome.key] = outcome
        else:
            why = f"{outcome.value!r} cannot be {outcome.key}, which has to be {allowed(kinds[outcome.key])}"
            tells.append(Tells(outcome.option, why))
    tells += _reminders(settings)
    return Migrated(tuple(settings.values()), tuple(dict.fromkeys(tells)))


def _reminders(settings: Mapping[str, Sets]) -> Iterator[Tells]:
    homes = ("/home/", "/root/")
    if any(str(each.value).startswith(homes) for each in settings.values()):
        why = "some files are in somebody's home, which the service does not see"
        instead = "Copy them to /etc/satellite and change their paths, or take the drop-in that --drop-in FILE writes"
        yield Tells("files", why, instead, lost=False)
    if "hub.announce" in settings:
        # added by hand, it finds us where the old satellite was
        return
    why = "it knows us by a new identity, so it will discover a new device"
    yield Tells("Home Assistant", why, "Add that, and delete the old one", lost=False)


def _given(line: Line) -> tuple[Given, list[Tells]]:
    tells = list(line.tells)
    told = {tell.option for tell in tells}
    names = {row.also: row.option for row in ROWS if row.also}
    options: dict[str, list[tuple[str, ...]]] = {}
    for found in occurrences(line.words, TAKES):
        if isinstance(found, Tells):
            # a variable that stands by itself is told of
            tells += [found] if found.option not in told else []
        else:
            options.setdefault(names.get(found.option, found.option), []).append(found.values)
    for option, values in options.items():
        if len(values) > 1 and TAKES[option] not in (0, MANY):
            tells.append(Tells(option, f"it is there {len(values)} times, and the last one counted", lost=False))
    return Given(options, line.directory), tells


def _outcomes(given: Given) -> Iterator[Outcome]:
    for row in ROWS:
        rule = row.rule if given.text(row.option) or (given.has(row.option) and row.takes == 0) else row.absent
        if rule is None:
            continue
        try:
            yield from rule(given)
        except Cannot as cannot:
            yield Tells(row.option, cannot.why, cannot.instead)
