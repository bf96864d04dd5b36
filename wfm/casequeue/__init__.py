"""The live queue: what waits, who may take it, and what has become of it."""
