"""The encoder that reads a prompt, and the features that it makes of it."""
