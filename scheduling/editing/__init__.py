"""Edits of a roster: what an edit changes, which rules it breaks and what it does to coverage."""
