"""What a message is and who may take it."""
