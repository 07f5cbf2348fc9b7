"""Models that join or leave a trained network."""
