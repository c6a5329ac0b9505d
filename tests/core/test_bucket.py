"""How often something may happen."""

from satellite.core.bucket import TokenBucket, TokenBuckets


def test_a_burst_and_then_so_many_a_second() -> None:
    """And never more at once than the burst, however long nothing was taken."""
    bucket = TokenBucket(rate_hz=2.0, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(100.4), bucket.take(100.5), bucket.take(100.6), bucket.take(101.0)] == [False, True, False, True]
    assert [bucket.take(1e6) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_goes_back_fills_nothing() -> None:
    """Nor does it break anything."""
    bucket = TokenBucket(rate_hz=1.0, burst=1)
    assert [bucket.take(at) for at in (10.0, 5.0, 5.5, 6.0)] == [True, False, False, True]


def test_everybody_has_their_own() -> None:
    """What one takes another still has."""
    buckets = TokenBuckets(rate_hz=0.1, burst=1, most=2)
    assert [buckets.take(who, 0.0) for who in "aabb"] == [True, False, True, False]


def test_who_was_not_there_for_longest_is_forgotten() -> None:
    """Memory has a bound."""
    buckets = TokenBuckets(rate_hz=0.1, burst=1, most=2)
    for who in "ab":
        assert buckets.take(who, 0.0)
    assert not buckets.take("a", 0.0)
    assert buckets.take("c", 0.0)
    assert not buckets.take("a", 0.0), "it was there a moment ago"
    assert buckets.take("b", 0.0), "it was the one to be forgotten"
