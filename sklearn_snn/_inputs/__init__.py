"""Input: what is accepted, what it is like, and spikes that are drawn when needed."""
