"""What a demo adds to the screens: its mark, its tour, its door on Home."""
