"""How results look as JSON: the one shape that the API answers and the commands print."""
