"""SATER: a small model that answers briefly, and refuses what it would get wrong (arXiv 2510.05164)."""
