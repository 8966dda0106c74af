"""The steps of the page Get acquainted, and the door to it."""
