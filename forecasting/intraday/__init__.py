"""The rest of today, from what today has shown so far."""
