"""Tests of the audio side: the engine in virtual time, and ALSA's calls against fakes."""
