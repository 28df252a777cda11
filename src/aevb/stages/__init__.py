"""What is done with learned parameters: read, encode, decode, estimate along training, compare."""
