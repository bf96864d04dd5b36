"""What moves days away from the ordinary: holidays, campaigns and marked stretches."""
