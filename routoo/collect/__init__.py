"""Running a pool over prompts: what its models answer, and what the answers are worth."""
