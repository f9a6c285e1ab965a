"""What a run leaves behind so that two runs can be compared stage by stage."""
