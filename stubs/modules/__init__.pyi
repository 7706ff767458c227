"""AUTOMATIC1111's and the Forge family's own modules: what we use of them."""
