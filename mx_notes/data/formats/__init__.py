"""Files of images as their publishers write them."""
