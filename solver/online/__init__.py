"""One prompt at a time: selection, pacing of a budget, rates."""
