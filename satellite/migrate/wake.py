"""What becomes of the options that say who finds the wake word."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from satellite.migrate.outcome import Cannot, Given, Outcome, Sets, Tells, number, service_uri

# what the two engines bring; a test compares
MICRO_WORDS = ("okay_nabu", "hey_jarvis", "hey_mycroft", "alexa")
OPEN_WORDS = (*MICRO_WORDS, "hey_rhasspy")

# of wyoming-openwakeword, if it is not told what to listen for
_THEIR_WORD = "ok_nabu"

# of a word of ours by itself, and at most
_REFRACTORY_MS, _LONGEST_REFRACTORY_S = 1500, 60

_WORD, _URI, _COMMAND, _REFRACTORY = "--wake-word-name", "--wake-uri", "--wake-command", "--wake-refractory-seconds"


@dataclass(frozen=True, slots=True)
class _Word:
    name: str
    pipeline: str | None = None


def is_local(given: Given) -> bool:
    """Whether the old satellite had its wake words found by anybody but the hub."""
    return bool(given.text(_URI) or given.text(_COMMAND))


def wake(given: Given) -> Iterator[Outcome]:
    """A service, an engine here, or the hub."""
    if given.text(_URI):
        yield from _by_service(given)
    elif given.text(_COMMAND):
        yield from _here(given)
    else:
        yield from _by_hub(given)


def _by_service(given: Given) -> Iterator[Outcome]:
    try:
        uri = service_uri(given.text(_URI))
    except Cannot as cannot:
        yield Tells(_URI, cannot.why, cannot.instead)
        yield from _here(given)
        return
    if uri.startswith("unix:"):
        yield Tells(_URI, "here a wake word service is reached by tcp:// only", "Start it with --uri tcp://127.0.0.1:10400")
        yield from _here(given)
        return
    words = _words(given) or [_Word(_THEIR_WORD)]
    if not given.has(_WORD):
        why = f"there is none, so the service chose; {_THEIR_WORD} is what wyoming-openwakeword then listens for"
        yield Tells(_WORD, why, "Set wake.words, if it was another", lost=False)
    yield from _as_words(words, given)
    yield Sets("wake.uri", uri, _URI)
    if all(_ours(word.name) in OPEN_WORDS for word in words):
        names = [_ours(word.name) for word in words]
        engine = "" if set(names) <= set(MICRO_WORDS) else " and wake.engine: open"
        why = "kept, and the microphone goes to that service all the time"
        instead = f"It can stay in this process: without wake.uri, and with wake.words: [{', '.join(names)}]{engine}"
        yield Tells(_URI, why, instead, lost=False)


def _here(given: Given) -> Iterator[Outcome]:
    """By an engine of ours, which cannot have any word."""
    words = [_Word(_ours(word.name), word.pipeline) for word in _words(given)]
    for word in words:
        if word.name not in OPEN_WORDS:
            instead = f"Set wake.words: [{{name: {word.name}, model: FILE}}], or wake.uri to a service that has it"
            yield Tells(_WORD, f"there is no model for {word.name!r} here", instead)
    found = [word for word in words if word.name in OPEN_WORDS]
    if any(word.name not in MICRO_WORDS for word in found):
        yield Sets("wake.engine", "open", f"{_WORD}: only openWakeWord has them all; needs satellite[openwakeword]")
    if found or given.text(_REFRACTORY):
        yield from _as_words(found or [_Word(MICRO_WORDS[0])], given)


def _by_hub(given: Given) -> Iterator[Outcome]:
    gate = given.has("--vad")
    source = "--vad" if gate else f"no {_URI}"
    yield Sets("wake.listen", "always", f"{source}: Home Assistant finds the wake word")
    if gate:
        yield Sets("wake.vad_gate", True, "--vad: only what is near a voice is sent")
    why = "the microphone goes to Home Assistant all the time"
    instead = "The wake word can be found in this process: without wake.listen and wake.vad_gate"
    yield Tells("--vad" if gate else _URI, why if gate else f"there is none: {why}", instead, lost=False)
    if given.has(_WORD):
        yield Tells(_WORD, f"it did not count without {_URI}", "Home Assistant's pipeline has the word", lost=False)


def command(given: Given) -> Iterator[Outcome]:
    """A program on the pipe is not started here."""
    if given.text(_URI):
        yield Tells(_COMMAND, f"of it and {_URI} the service is kept", lost=False)
    elif given.text(_COMMAND):
        yield Tells(
            _COMMAND,
            "no program is started for the wake word; it is found in this process",
            "For another detector start it as a service, --uri tcp://127.0.0.1:10400, and set wake.uri",
        )


def extra_values(given: Given) -> Iterator[Outcome]:
    """Of one occurrence more than a name and a pipeline."""
    for values in given.options[_WORD]:
        if values[2:]:
            why = f"{' '.join(values[2:])!r} is neither its name nor its pipeline"
            yield Tells(_WORD, why, f"For more words give {_WORD} once for each")


def _words(given: Given) -> list[_Word]:
    """Without those that are there twice: to us they would be one."""
    words: dict[str, _Word] = {}
    for name, *more in given.options.get(_WORD, ()):
        if name.strip():
            words.setdefault(_ours(name), _Word(name.strip(), next(iter(more), "") or None))
    return list(words.values())


def _ours(name: str) -> str:
    """The name that such a word has here."""
    plain = re.sub(r"_v\d+(\.\d+)*$", "", name.strip().lower()).replace(" ", "_").replace("-", "_")
    return "okay_nabu" if plain == "ok_nabu" else plain


def _as_words(words: Sequence[_Word], given: Given) -> Iterator[Outcome]:
    refractory_ms, source = _REFRACTORY_MS, _WORD
    if given.text(_REFRACTORY):
        try:
            wanted_s = max(number(given.text(_REFRACTORY)), 0.0)
            refractory_ms, source = round(1000 * min(wanted_s, _LONGEST_REFRACTORY_S)), f"{_WORD}, {_REFRACTORY}"
            if wanted_s > _LONGEST_REFRACTORY_S:
                yield Tells(_REFRACTORY, f"it was cut to {_LONGEST_REFRACTORY_S} s, the most there is", lost=False)
        except Cannot as cannot:
            yield Tells(_REFRACTORY, cannot.why)
    yield Sets("wake.words", [_as_yaml(word, refractory_ms) for word in words], source)


def _as_yaml(word: _Word, refractory_ms: int) -> str | dict[str, object]:
    settings: dict[str, object] = {"name": word.name}
    if refractory_ms != _REFRACTORY_MS:
        settings["refractory_ms"] = refractory_ms
    if word.pipeline is not None:
        settings["pipeline"] = word.pipeline
    return settings if settings.keys() - {"name"} else word.name
