"""Proves that a live person was in front of the camera, and leaves evidence that a stranger can verify."""
