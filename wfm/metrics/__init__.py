"""The one layer that computes every figure of the live queue."""
