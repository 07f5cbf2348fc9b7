"""SMART: the cheapest answers that agree with a reference on all but a share of a batch, with confidence."""
