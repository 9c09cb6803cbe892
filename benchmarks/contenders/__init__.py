"""The programs that speed.py and time_to_accuracy.py compare: each a process of its own that answers lines of JSON.

A contender is a class with `losses(steps)`, the loss of each of its first steps, and `train(steps)`, the
seconds that so many steps take, to the last operator. All train the same network from the same start on
the same batch, which `start.py` has put into a folder.
"""
