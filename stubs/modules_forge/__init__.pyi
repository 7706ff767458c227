"""The Forge family's additions: what we use of them."""
