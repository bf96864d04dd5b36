"""The planning run: load, compute, keep. The middle is one pure function."""
