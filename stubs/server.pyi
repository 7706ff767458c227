"""ComfyUI's server: what we use of it."""

class PromptServer:
    instance: PromptServer
    def send_progress_text(self, text: str, node_id: str) -> None: ...
