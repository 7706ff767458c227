"""From a training's checkpoint to files that programs deploy."""
