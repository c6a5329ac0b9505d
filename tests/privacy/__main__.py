"""See run.py."""

import sys

from tests.privacy.run import main

sys.exit(main())
