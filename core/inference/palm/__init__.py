"""From a photo of a hand to a palm and its anemia screening result."""
