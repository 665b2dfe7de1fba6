"""``python -m services.archive``."""

import sys

from services.archive.app import main

sys.exit(main())
