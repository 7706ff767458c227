"""ComfyUI's executor: what we use of it."""
