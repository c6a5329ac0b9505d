"""From a command line of wyoming-satellite to our configuration.

A text becomes words (`line`, `compose`), the words options with their values (`arguments`), each option what its row in the
table says (`options`, with `sound` and `wake` for the longer answers), and that a file (`write`). What hooks need of
the service's unit becomes a drop-in (`opening`). `command` does it.
"""
