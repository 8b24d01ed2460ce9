import sys
from pathlib import Path

# The pages looked at here are those that the tests of the report make.
sys.path.append(str(Path(__file__).parents[1] / "report"))
