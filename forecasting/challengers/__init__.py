"""Forecasters built on other people's libraries, each the only importer of its library."""
