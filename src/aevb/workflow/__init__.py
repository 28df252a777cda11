"""What the rules of the workflow ask of the package: outputs, what jobs are told, places."""
