"""Lab acceptance: is the program good enough on this laboratory's own slides."""
