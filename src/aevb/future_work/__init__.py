"""What section 7 of the paper leaves to the future, tried: a study each, with an exact truth."""
