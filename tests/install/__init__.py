"""The installer and the unit on a bare Debian with a real systemd: `python -m tests.install` as root."""
