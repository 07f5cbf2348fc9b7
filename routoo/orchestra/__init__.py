"""OrchestraLLM: turns of a dialogue, or any prompts, to the model that was right on those most like them."""
