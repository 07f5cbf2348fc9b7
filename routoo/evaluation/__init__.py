"""What a router is worth: metrics, intervals, baselines, and the page that shows them."""
