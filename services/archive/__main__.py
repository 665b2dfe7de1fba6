"""``python -m services.archive``."""

import sys

from services.archive.app import main

if __name__ == "__main__":
    sys.exit(main())
