"""``python -m services.scoring``."""

import sys

from services.scoring.app import main

if __name__ == "__main__":
    sys.exit(main())
