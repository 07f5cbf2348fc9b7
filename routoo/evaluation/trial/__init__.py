"""What is judged: prompts and their outcomes, policies, single models, draws of the prompts."""
