"""Bounds that hold however often they are looked at, for batches and for streams."""
