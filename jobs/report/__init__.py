"""The static site of `pdmetrics report`: what may leave the house, and its pages."""
