"""What the product does: the layer between the entry points and the outside world."""
