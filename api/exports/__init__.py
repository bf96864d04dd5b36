"""Rosters as files that other programs open: calendars, workbooks, tables of text."""
