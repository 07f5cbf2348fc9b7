"""The network: what Lightning trains, and the one forward pass that is exported."""
