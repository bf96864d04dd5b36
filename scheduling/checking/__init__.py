"""The rules of a roster one by one, as the checker judges them."""
