"""The roster engine: shift mix, then named lines of work."""
