"""The methods that `benchmarks.forecast` compares.

A method is given what the series of a group looked like at one origin and answers with quantiles
for each. One module a library, its only importer.
"""
