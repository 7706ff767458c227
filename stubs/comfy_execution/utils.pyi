class _Context:
    node_id: str

def get_executing_context() -> _Context | None: ...
