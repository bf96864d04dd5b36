"""Ways the counts may come true: paths, and sums with honest quantiles."""
