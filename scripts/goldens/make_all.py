"""Make every golden file again: see README.md."""

import runpy
from pathlib import Path

for script in sorted(Path(__file__).parent.glob("make_*.py")):
    if script.name != Path(__file__).name:
        print(f"== {script.name}", flush=True)
        runpy.run_path(str(script), run_name="__main__")
