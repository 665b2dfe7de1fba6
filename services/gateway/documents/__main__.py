"""One rendering for ``rendering.rendered``: the request comes on standard input, the outcome goes to standard output."""

import sys

from services.gateway.documents.rendering import serve

sys.stdout.buffer.write(serve(sys.stdin.buffer.read()))
