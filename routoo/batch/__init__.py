"""Batch files: an assignment as files that providers take, submitted once, and read back as answers."""
