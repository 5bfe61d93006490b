"""Training of networks on images of one's own; needs the extra ``train``."""
