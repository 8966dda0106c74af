"""Work that is larger than one slide on a screen: archives of fields."""
