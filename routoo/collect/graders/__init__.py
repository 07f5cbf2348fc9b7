"""Graders: from an answer, and what is known of its prompt, to a grade."""
