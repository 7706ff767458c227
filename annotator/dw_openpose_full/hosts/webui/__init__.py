"""The A1111 family: sd-webui-controlnet in AUTOMATIC1111, and Forge, reForge, forge-classic."""
