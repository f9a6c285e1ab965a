"""The data sets that the reference models train on, by kind."""
