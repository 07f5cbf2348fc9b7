"""Prices and costs: published, derived, recorded, nominal, and how far true ones spread."""
