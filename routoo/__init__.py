"""Send every prompt to the model that should answer it."""
