"""Batches of any size from file to file."""
