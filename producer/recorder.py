"""What LangChain is given, and what we know our own handlers by."""


class Recorder:
    """What all handlers of ours are: LangChain may have several of them in one list, and each run is recorded once."""
