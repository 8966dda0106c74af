"""What one reader answers: boxes, cells, grades and remarks."""
