"""``python -m services.router``."""

import sys

from services.router.app import main

if __name__ == "__main__":  # the router's worker process imports this module again
    sys.exit(main())
