"""ComfyUI's core: what we use of it."""
