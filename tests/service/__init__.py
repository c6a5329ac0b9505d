"""Tests of the whole daemon, against the mock hub over real TCP."""
