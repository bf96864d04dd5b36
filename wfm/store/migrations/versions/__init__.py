"""One file a version of the database, oldest first."""
