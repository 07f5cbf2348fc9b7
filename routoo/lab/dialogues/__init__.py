"""Slot-filling dialogues over several domains, generated with the exact change of state of every turn."""
