"""What ``docs/check_site.py`` asks of the layout of a page."""
