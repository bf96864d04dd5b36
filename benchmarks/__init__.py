"""Measurements anyone can repeat: one module a subject, run as `python -m benchmarks.NAME`."""
