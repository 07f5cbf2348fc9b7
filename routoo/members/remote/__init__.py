"""One request to a provider's interface: what is sent, what comes, what it costs, and what can go wrong."""
