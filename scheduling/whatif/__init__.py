"""What if: scenarios on a roster, what they do to its promises, and the cheapest repairs."""
