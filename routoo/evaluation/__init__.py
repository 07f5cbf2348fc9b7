"""What a router is worth: figures, intervals, baselines, and the page that shows them."""
