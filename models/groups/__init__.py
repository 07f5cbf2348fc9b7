"""Groups of prompts, and what models are expected to score in each."""
