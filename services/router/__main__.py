"""``python -m services.router``."""

import sys

if __name__ == "__main__":  # the router's worker process reads this module again, and needs nothing of the service
    from services.router.app import main

    sys.exit(main())
