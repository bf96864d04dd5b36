"""The one layer that computes every figure about cases."""
