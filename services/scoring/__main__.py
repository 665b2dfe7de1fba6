"""``python -m services.scoring``."""

import sys

from services.scoring.app import main

sys.exit(main())
