"""The child process of one measurement: ``python -m benchmarks.speed.worker JOB ANSWER``, see `benchmarks.speed.child`.

It imports nothing but what the jobs need: every other library would count in their peak of memory.
"""

import json
import sys
from pathlib import Path

from benchmarks.speed.calls import CallJob
from benchmarks.speed.child import Job
from benchmarks.speed.encoders import EncodeJob
from benchmarks.speed.pretrainers import PretrainJob
from benchmarks.speed.trainers import TrainJob

JOBS: dict[str, type[Job]] = {job.__name__: job for job in (TrainJob, EncodeJob, CallJob, PretrainJob)}


def main() -> None:
    """Run the job in the first file and write the answer, or the error, to the second."""
    kind, fields = json.loads(Path(sys.argv[1]).read_bytes())
    try:
        answer = JOBS[kind](**fields).run()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of a Rust library derives from BaseException
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
