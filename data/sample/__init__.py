"""The shipped sample: simulated prompts and outcomes."""
