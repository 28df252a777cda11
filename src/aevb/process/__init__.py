"""A process: how it starts TensorFlow, shows progress, stops, and goes on where another was."""
