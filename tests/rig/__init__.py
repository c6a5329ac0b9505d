"""The virtual sound card, and the tests that use it: see README.md."""
