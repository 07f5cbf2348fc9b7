"""Policies that read an answer before they ask the next model: what they decide, on numbers alone."""
