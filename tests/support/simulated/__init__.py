"""Simulated prompts and outcomes: quick to make, of any number, and known to be worth routing."""
