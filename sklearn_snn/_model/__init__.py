"""The mathematics: neurons, layers, first guess, losses; numpy and nothing else."""
