"""How arrays are made from the examples of a TFDS builder: a module for each `Dataset.reader`. For the child only."""
