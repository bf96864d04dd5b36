"""The product's own forecaster: experts, their blend, corrections and intervals."""
