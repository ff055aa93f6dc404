"""The compiled engine: event-driven, for spikes that are mostly absent."""
