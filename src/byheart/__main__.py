"""`python -m byheart` is the command line."""

import sys

from byheart.cli import main

sys.exit(main())
