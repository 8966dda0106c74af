"""Reading what a laboratory sends: cells, boxes, counts and palm photos of its own."""
