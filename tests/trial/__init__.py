"""Every fault of every provider passes the same trial; `rig.py` says how one is put to it."""
