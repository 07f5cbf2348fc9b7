"""The problem: predictions, limits, and passes over them that give sums."""
