"""Attribution: which packages, releases or fields a difference comes from."""
