"""Contracts: what a router promises of its answers, made from recorded outcomes and watched on live ones."""
