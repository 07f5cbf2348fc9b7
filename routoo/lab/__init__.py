"""Real small models, tasks with exact answers, and the record of what the models answered."""
