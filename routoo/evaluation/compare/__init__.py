"""One policy beside others, on the same draws of the prompts."""
