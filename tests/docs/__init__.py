"""Walls between folders, and documents that agree with the code."""
