"""Learned ways of choosing between two models, which two-tier selection is held against."""
