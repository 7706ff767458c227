"""The door that sd-webui-controlnet keeps for other extensions: what we use of it."""
