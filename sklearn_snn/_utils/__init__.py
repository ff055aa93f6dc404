"""What all modules use: scratch memory, the error state, warnings."""
