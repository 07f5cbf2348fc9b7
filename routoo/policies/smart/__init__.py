"""SMART over members: the answers of a batch agree with a reference's on all but a share of it."""
