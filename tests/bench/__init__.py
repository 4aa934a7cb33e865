"""Measurements: `make bench`. Figures, not tests."""
