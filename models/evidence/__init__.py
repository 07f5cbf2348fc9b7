"""Evidence heads: Bayesian linear regression on groups of features, weighed by marginal likelihood."""
