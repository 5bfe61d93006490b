"""How good restorations are: holes drawn into whole images, figures, peers, tables."""
