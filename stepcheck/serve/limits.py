"""How much of anything the server takes: bytes, rows, seconds, connections. Values only."""

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is taken; what is more is refused, and the refusal says so."""

    body: int = 16 * MIB
    """Bytes of a JSON body, or of one line of a stream."""
    held: int = 64 * MIB
    """Bytes of all bodies together, from their first byte until they are answered."""
    rows: int = 4096
    """Rows that wait for the judge, of all requests together."""
    ahead: int = 64
    """Rows of one stream that are read before the first of them is answered."""
    seconds: float = 300.0
    """How long a request, or a row of a stream, may take."""
    stall: float = 30.0
    """How long a client may send nothing in the midst of a body, or take nothing of a response."""
    slowest: int = 16 * 1024
    """Bytes a second that a JSON body must come with, once it took longer than `stall`."""
    head: float = 10.0
    """Seconds until a connection must have said what it wants."""
    connections: int = 512
    """Connections at a time; for one more the one that has been idle for longest is closed."""
    grace: float = 30.0
    """Seconds for what is under way when the server ends."""
