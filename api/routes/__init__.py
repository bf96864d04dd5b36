"""One file a resource; the wire models stand beside their routes."""
