"""``python -m services.gateway``."""

import sys

from services.gateway.app import main

if __name__ == "__main__":
    sys.exit(main())
