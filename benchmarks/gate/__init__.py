"""The gate: may a candidate environment take the place of a baseline?"""
