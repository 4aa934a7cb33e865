"""Tests of camera/."""
