"""Figures of the console: tables in, a plotly figure out. No data access, no state."""
