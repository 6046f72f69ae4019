"""The embedded clouds and cluster: real protocols on loopback, for demos and tests.

May import the bridge and every cloud's SDK. Its emulators are public test doubles.
"""
