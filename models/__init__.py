"""Predictors of score, cost and latency, their training and calibration."""
