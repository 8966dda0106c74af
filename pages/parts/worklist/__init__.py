"""What the page Worklist is drawn from, besides words of cases."""
