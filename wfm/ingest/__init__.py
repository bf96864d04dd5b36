"""Contacts and files on their way in: read, checked as a whole, then written once."""
