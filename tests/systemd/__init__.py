"""The files that put the daemon on a Raspberry Pi."""
