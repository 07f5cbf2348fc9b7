"""Training: recorded outcomes in, a network out."""
