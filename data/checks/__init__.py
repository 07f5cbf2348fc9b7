"""Checks of what a caller gives, made once, where it enters."""
