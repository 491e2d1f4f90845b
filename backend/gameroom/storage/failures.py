"""How the database fails, in two words that the rest of the package understands.

A failure that leaves nothing behind is `errors.Unavailable`; these are the others.
"""


class DatabaseUnusable(Exception):
    """The server cannot start with this database. The message is a sentence for the operator."""


class OutcomeUnknown(Exception):
    """COMMIT itself failed: the transaction is stored or not, and nothing may be told before that is known.

    To find out, do the same again in a way that a second time changes nothing.
    """
