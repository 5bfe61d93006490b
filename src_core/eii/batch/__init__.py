"""Many images in one run: what fails is named, the rest is done."""
