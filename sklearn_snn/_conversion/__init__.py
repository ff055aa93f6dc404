"""Conversion: a network that was trained without spikes becomes one of spikes."""
