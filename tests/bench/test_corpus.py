"""A corpus and its halves."""

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from satellite.bench.corpus import DEFAULT_CORPUS, Corpus, Half
from satellite.errors import SatelliteError

COLUMNS = "path,kind,speaker,text,duration,onset,end,label_ok"
HALVES = (Half.CHOSEN, Half.HELD_OUT)


def _write(root: Path, *rows: str) -> Path:
    (root / "manifest.csv").write_text("\n".join((COLUMNS, *rows)) + "\n", encoding="utf-8")
    return root


def _made_up(root: Path) -> Path:
    """Four speakers with two words each, of which one onset is not trusted; four coughs; three rooms."""
    words = [
        f"speech/{who}{n}.wav,speech,{who},go,1.5,0.3,{0.7 + n},{int((who, n) != ('a', 1))}" for who in "abcd" for n in (0, 1)
    ]
    coughs = [f"backchannel/c{n}.wav,backchannel,x,(cough),1.0,0.2,0.8,0" for n in range(4)]
    asides = ["backchannel/m.wav,backchannel,x,Mm-hmm,1.0,0.2,0.5,0", "backchannel/w.wav,backchannel,x,Hence,1.0,0.2,0.5,0"]
    rooms = [f"rir/{name}_{place}.wav,rir,,,0.3,,,0" for name in ("r1", "r2", "r3") for place in ("spk8cm", "talk1m", "talk3m")]
    replies = ["tts/long.wav,tts,v,hello,6.0,0.1,5.5,1", "tts/short.wav,tts,v,hi,1.0,0.1,0.9,1"]
    return _write(root, *words, *coughs, *asides, *rooms, *replies, "noise/tv_dev.wav,noise,,,40.0,,,0")


def _paths(of: Sequence[object]) -> set[str]:
    return {clip.path for clip in of}  # type: ignore[attr-defined]


def test_the_halves_have_other_speakers_and_rooms_and_leave_nobody_out(tmp_path: Path) -> None:
    """Neither a speaker nor a room is in both."""
    whole = Corpus(_made_up(tmp_path), Half.ALL)
    chosen, held_out = (Corpus(tmp_path, half) for half in HALVES)
    assert {clip.speaker for clip in chosen.users} == {"a", "c"} and {clip.speaker for clip in held_out.users} == {"b", "d"}
    for name in ("users", "words", "coughs"):
        one, other = _paths(getattr(chosen, name)), _paths(getattr(held_out, name))
        assert one.isdisjoint(other) and one | other == _paths(getattr(whole, name))
    assert (chosen.rooms, held_out.rooms) == (["r1", "r2"], ["r3"])


def test_each_clip_is_what_its_row_says(tmp_path: Path) -> None:
    """Only trusted onsets; short ones are words; a reply has to be long enough to talk over."""
    corpus = Corpus(_made_up(tmp_path), Half.ALL)
    assert len(corpus.users) == 7 and "speech/a1.wav" not in _paths(corpus.users)
    assert _paths(corpus.words) == {f"speech/{who}0.wav" for who in "abcd"}
    assert _paths(corpus.backchannels) == {"backchannel/m.wav"}
    assert _paths(corpus.other_words) == {"backchannel/w.wav"}
    assert _paths(corpus.replies) == {"tts/long.wav"}
    assert corpus.noise("tv") == "noise/tv_dev.wav" and corpus.noise("music") is None
    assert corpus.distances_m("r1") == [1, 3]


def test_words_begin_at_their_onset() -> None:
    """And end where they end."""
    corpus = Corpus(DEFAULT_CORPUS, Half.ALL)
    stop = next(clip for clip in corpus.words if clip.text == "stop")
    whole = corpus.wav(stop.path)
    assert np.array_equal(corpus.words_of(stop), whole[round(stop.onset_s * 16_000) : round(stop.end_s * 16_000)])


def test_the_package_brings_all_that_a_bench_needs() -> None:
    """Users, a word, a cough, a backchannel, a reply, a noise and a room; every file is there."""
    corpus = Corpus(DEFAULT_CORPUS, Half.ALL)
    kinds = (corpus.users, corpus.words, corpus.coughs, corpus.backchannels, corpus.replies)
    assert all(kinds) and corpus.rooms == ["sim7"] and corpus.noise("kitchen")
    for path in (*(clip.path for kind in kinds for clip in kind), *corpus.noises):
        assert len(corpus.wav(path)) > 1600
    assert len(corpus.response("sim7", "spk8cm")) > 1600


@pytest.mark.parametrize(
    ("rows", "said"),
    [(None, "no corpus in"), (["a.wav,speech"], "needs the columns duration, end, kind"), ([], "needs the columns")],
)
def test_what_is_no_corpus_is_told(tmp_path: Path, rows: list[str] | None, said: str) -> None:
    """The folder, and what is wrong with it."""
    if rows is not None:
        (tmp_path / "manifest.csv").write_text("\n".join(("path,kind", *rows)) + "\n")
    with pytest.raises(SatelliteError, match=said) as caught:
        Corpus(tmp_path, Half.ALL)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("1.5,soon,0.7", "onset is 'soon'; it has to be seconds"),
        ("1.5,-1,0.7", "onset is '-1'; it has to be seconds"),
        ("1.5,0.3,nan", "end is 'nan'; it has to be seconds"),
        ("1.5,0.3,0.3", "end is '0.3'; it has to be after the onset, 0.3"),
        (",0.3,", "duration is ''; it has to be seconds"),
    ],
)
@pytest.mark.parametrize("kind", ["speech", "backchannel", "tts"])
def test_a_number_that_is_none_is_told_with_its_line(tmp_path: Path, kind: str, cells: str, said: str) -> None:
    """And what it has to be; a line of nothing, and a text of two, count too."""
    _write(tmp_path, "a.wav,noise,,,,,,", "", '"two\nlines.wav",noise,,,40.0,,,', f"b.wav,{kind},x,(cough),{cells},1")
    with pytest.raises(SatelliteError) as caught:
        Corpus(tmp_path, Half.ALL)
    assert str(caught.value).startswith(f"{tmp_path / 'manifest.csv'}:6: {said}")


def test_numbers_that_the_bench_does_not_use_may_be_anything(tmp_path: Path) -> None:
    """Of an onset that is not trusted, and of a response."""
    _write(tmp_path, "a.wav,speech,x,go,,?,?,0", "rir/r1_spk8cm.wav,rir,,,?,,,", "rir/r1_talkfar.wav,rir,,,,,,")
    corpus = Corpus(tmp_path, Half.ALL)
    assert (corpus.users, corpus.rooms, corpus.distances_m("r1")) == ([], ["r1"], [])


def test_a_manifest_that_cannot_be_read_is_told_with_the_line(tmp_path: Path) -> None:
    """Another encoding, and a cell without an end."""
    path = tmp_path / "manifest.csv"
    for row, said in ((b"caf\xe9.wav,tts", "this is not UTF-8: byte 0xe9"), (b"x" * 200_000, "field larger than field limit")):
        path.write_bytes(COLUMNS.encode() + b"\n" + row + b"\n")
        with pytest.raises(SatelliteError, match=said) as caught:
            Corpus(tmp_path, Half.ALL)
        assert str(caught.value).startswith(f"{path}:2: ")


def test_what_no_scene_can_do_without_is_told(tmp_path: Path) -> None:
    """Of the half; a room is one to talk in."""
    assert Corpus(_made_up(tmp_path), Half.HELD_OUT).missing() == []
    nothing = Corpus(_write(tmp_path), Half.ALL).missing()
    assert nothing == ["rooms (kind rir, ROOM_spk8cm.wav)", "replies of 4 s or more (kind tts)"]
    _write(tmp_path, "rir/r1_spk8cm.wav,rir,,,0.3,,,0", "tts/long.wav,tts,v,hello,6.0,0.1,5.5,1")
    assert Corpus(tmp_path, Half.CHOSEN).missing() == ["talkers in r1 (kind rir, r1_talk2m.wav)"]


def test_a_recording_that_ends_before_its_onset_is_told(tmp_path: Path) -> None:
    """With the onset."""
    with wave.open(str(tmp_path / "b.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(960))
    corpus = Corpus(_write(tmp_path, "b.wav,speech,x,go,1.5,0.3,1.2,1"), Half.ALL)
    with pytest.raises(SatelliteError, match=r"b\.wav ends before its onset, 0\.3 s"):
        corpus.words_of(corpus.users[0])


def test_what_is_no_recording_is_told(tmp_path: Path) -> None:
    """A file that is missing, that is none, or that has another rate; and a room that nobody has measured."""
    corpus = Corpus(_made_up(tmp_path), Half.ALL)
    (tmp_path / "text.wav").write_text("no sound")
    with wave.open(str(tmp_path / "fast.wav"), "wb") as file:
        file.setparams((1, 2, 48_000, 0, "NONE", ""))
        file.writeframes(bytes(960))
    for path, said in (("gone.wav", "No such file"), ("text.wav", "RIFF"), ("fast.wav", "not a 16 kHz mono WAV")):
        with pytest.raises(SatelliteError, match=said):
            corpus.wav(path)
    with pytest.raises(SatelliteError, match="has no r9_spk8cm"):
        corpus.response("r9", "spk8cm")
