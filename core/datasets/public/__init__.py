"""The public image sets, one file each, and where their authors keep them."""
