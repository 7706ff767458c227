"""The workshop: networks learn from a data set, or from a larger network, in plain PyTorch."""
