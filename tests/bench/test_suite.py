"""The scenes of the bench, as data."""

from collections import Counter

from satellite.bench.corpus import DEFAULT_CORPUS, Corpus, Half
from satellite.bench.scene import Kind
from satellite.bench.suite import SESSION_REPLIES, Size, scenes

CORPUS = Corpus(DEFAULT_CORPUS, Half.ALL)


def test_the_same_seed_gives_the_same_scenes_and_another_others() -> None:
    """Whoever reads of a scene can play it."""
    assert scenes(CORPUS, Size.MINI, 1) == scenes(CORPUS, Size.MINI, 1)
    assert scenes(CORPUS, Size.MINI, 1) != scenes(CORPUS, Size.MINI, 2)


def test_every_scene_has_a_name_and_dice_of_its_own() -> None:
    """In every size; larger ones have more."""
    sizes = []
    for size in Size:
        found = scenes(CORPUS, size, 1)
        assert len({scene.id for scene in found}) == len({scene.seed for scene in found}) == len(found)
        sizes.append(len(found))
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_a_full_suite_leaves_no_clip_out() -> None:
    """Every utterance with a trusted onset talks over a reply once at each level, and every short sound at both of its levels."""
    found = scenes(CORPUS, Size.FULL, 1)
    for ser_db in (10.0, 0.0, -10.0, -15.0, -20.0):
        group = [scene.clip for scene in found if scene.group == f"SER {ser_db:+.0f} dB"]
        assert Counter(group) == Counter(clip.path for clip in CORPUS.users)
    for kind, clips in ((Kind.COUGH, CORPUS.coughs), (Kind.BACKCHANNEL, CORPUS.backchannels)):
        played = Counter(scene.clip for scene in found if scene.kind is kind)
        assert played == Counter({clip.path: 2 for clip in clips})


def test_a_group_changes_one_thing_and_ordinary_scenes_nothing() -> None:
    """The headline is of ordinary scenes at its level."""
    found = scenes(CORPUS, Size.MINI, 1)
    assert {scene.group for scene in found if scene.kind is Kind.USER and scene.is_ordinary} == {
        f"SER {ser_db:+.0f} dB" for ser_db in (10.0, 0.0, -10.0, -15.0, -20.0)
    }
    drifting = [scene for scene in found if scene.group == "clocks 50 ppm apart"]
    assert [scene.ppm for scene in drifting] == [50.0, 50.0]
    assert {scene.kind for scene in drifting} == {Kind.USER, Kind.ECHO}


def test_where_nobody_speaks_many_replies_are_played() -> None:
    """A session is long enough to meet what happens seldom, and the first reply is a group of its own."""
    alone = [scene for scene in scenes(CORPUS, Size.MINI, 1) if scene.kind in (Kind.ECHO, Kind.BACKGROUND)]
    assert all(scene.clip is None for scene in alone)
    assert {scene.replies for scene in alone} == {1, SESSION_REPLIES}
    assert all(scene.noise for scene in alone if scene.kind is Kind.BACKGROUND)


def test_a_corpus_of_one_room_has_no_groups_that_need_another() -> None:
    """Its path would change to itself. All other scenes have the numbers and seeds that they have among two."""
    two = Corpus(DEFAULT_CORPUS, Half.ALL)
    two.rooms = [*two.rooms, *two.rooms]
    only, both = ([(s.id, s.seed, s.kind, s.group) for s in scenes(corpus, Size.MINI, 1)] for corpus in (CORPUS, two))
    assert len(CORPUS.rooms) == 1
    left_out = [scene for scene in both if scene not in only]
    assert {scene[-1] for scene in left_out} == {"another echo path just before", "another echo path now and then"}
    assert only == [scene for scene in both if scene not in left_out]
