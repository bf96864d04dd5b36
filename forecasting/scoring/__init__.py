"""How good a forecast is, and which model makes it."""
