"""The parts of `python -m tests.rig.soak`."""
