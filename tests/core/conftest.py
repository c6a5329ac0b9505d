"""Hypothesis as the core's tests want it: the same examples every time, in a part of a second."""

from hypothesis import HealthCheck, settings

# derandomized: a failure is the change's, not the day's. The random walks in fuzz.py look further.
settings.register_profile(
    "core", derandomize=True, deadline=None, database=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("core")
