"""Which model for which prompt, under limits."""
