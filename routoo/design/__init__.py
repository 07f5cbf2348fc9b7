"""The design of a pool: which models to keep, and what is odd about a list of them."""
