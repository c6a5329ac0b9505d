"""Tests of the wire: framing, stale audio, and the server on real sockets."""
