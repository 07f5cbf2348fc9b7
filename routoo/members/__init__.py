"""Models that answer: local, behind a provider's interface, or replayed from records."""
