"""What one machine needs to run everything by itself (`run.py`, tests): child processes, Redis on a socket, secrets.

Knows nothing of the application; production does not use it.
"""
