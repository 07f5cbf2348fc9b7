"""What a solver hands out: the answer, why there is none, the frontier, dual prices in words."""
