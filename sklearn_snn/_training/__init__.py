"""Training: data and epochs to an optimizer, and what comes of them."""
