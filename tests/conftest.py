"""Hypothesis as the tests want it: the same examples every time, in a part of a second. And which tests are run by hand."""

import pytest
from hypothesis import HealthCheck, settings

# derandomized: a failure is the change's, not the day's. The random walks in fuzz.py look further.
settings.register_profile(
    "core", derandomize=True, deadline=None, database=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("core")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Walks of a million events, hours of virtual time and real servers are for those who ask: `-m long`, `-m servers`."""
    if not config.option.markexpr:
        by_hand = [item for item in items if item.get_closest_marker("long") or item.get_closest_marker("servers")]
        config.hook.pytest_deselected(items=by_hand)
        items[:] = [item for item in items if item not in by_hand]
