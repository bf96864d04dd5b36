"""One file a source: what it sends, as contacts."""
