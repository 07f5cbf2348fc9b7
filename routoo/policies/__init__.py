"""Policies: who is asked, whose answer is read, and who is asked then."""
