"""Sampled days answered by staff, message by message."""
