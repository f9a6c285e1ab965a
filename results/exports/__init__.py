"""What a store holds, in the formats of other tools: each a pure function of rows, see `formats.FORMATS`."""
