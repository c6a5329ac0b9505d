"""Hypothesis as the tests want it: the same examples every time, in a part of a second. And which tests are run by hand."""

import pytest
from hypothesis import HealthCheck, settings

# derandomized: a failure is the change's, not the day's. The random walks in fuzz.py look further.
settings.register_profile(
    "core", derandomize=True, deadline=None, database=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("core")


# walks of a million events and hours of virtual time; servers of half a gigabyte
_BY_HAND = ("long", "servers")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Some are for those who ask for them: `-m long`, `-m servers`."""
    if not config.option.markexpr:
        # by mark: an item's keywords are the names of its folders too
        by_hand = [item for item in items if any(item.get_closest_marker(name) for name in _BY_HAND)]
        config.hook.pytest_deselected(items=by_hand)
        items[:] = [item for item in items if item not in by_hand]
