"""The search: dual prices, hulls, rounding and trees, from a problem to choices with a bound."""
