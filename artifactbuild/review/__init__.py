"""What changed, told to people: the sides of a comparison, named drift, and the words for both."""
