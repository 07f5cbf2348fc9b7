"""Causal language models on this machine: their weights, their cache, and answers token by token."""
