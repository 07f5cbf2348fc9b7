"""Real small models, tasks with exact answers, and the record of what the models answered."""

SHIPPED_PROMPTS = 3060
"""Prompts of the shipped record: as many of every family."""

RECORDED_DIALOGUES = 60
"""Dialogues whose turns models answered: two in five for training, three for tests."""
