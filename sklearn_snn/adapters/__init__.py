"""Spiking networks as estimators of sktime and of aeon, which nothing else imports."""
