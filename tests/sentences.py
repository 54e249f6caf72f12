"""What every message to a user must be."""


def say(error):
    """The message of an exception, or of pytest's record of one, checked to be one sentence that can be printed."""
    message = str(getattr(error, "value", error))
    assert message.endswith(".") and ". " not in message and message.isprintable()
    return message
