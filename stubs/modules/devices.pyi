class _Device:  # torch.device, for a checkout without torch
    type: str

def get_device_for(task: str) -> _Device: ...
