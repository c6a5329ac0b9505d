"""Tests of the core: no clock, no I/O, no waiting."""
