"""ComfyUI's interface for nodes, by version: what we use of it."""
