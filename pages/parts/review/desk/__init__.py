"""The review desk: what it draws, the pictures it is sent, and how its answers are saved."""
