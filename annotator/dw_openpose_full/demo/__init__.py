"""The pose-to-image demo: a page in the browser, and the same settings for a folder or a video."""
