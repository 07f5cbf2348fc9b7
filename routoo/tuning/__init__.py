"""Fine-tuning causal language models with low-rank adapters."""
