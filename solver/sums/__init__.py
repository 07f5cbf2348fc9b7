"""Prompts as rows, passes over them, and the sums by which limits are judged."""
