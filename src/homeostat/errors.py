"""Every error a user can meet, in one tree.

::

    HomeostatError                     H000
    ├── ProjectError                   H100  the project file or its Python code is wrong
    │   ├── ProjectFileError           H101  homeostat.yaml: syntax, unknown key, wrong value
    │   ├── ProjectVersionError        H102  written for a newer Homeostat
    │   ├── ProjectCodeError           H103  a named function is missing or failed
    │   └── LeakError                  H104  a feature uses what is known only later
    ├── DataError                      H200  the data is not usable
    │   ├── SourceError                H201  a source could not be read
    │   ├── EmptyDataError             H202  there are no rows where rows are needed
    │   ├── ColumnError                H203  a column is missing or has the wrong type
    │   ├── DuplicateIdError           H204  an id stands in more than one row
    │   └── TargetError                H205  the target cannot be learned from (one class, all null)
    ├── RunError                       H300  a training run did not finish
    │   ├── StepError                  H301  one step of the run failed
    │   └── ReproduceError             H302  a version cannot be trained again from its record
    ├── StateError                     H400  the recorded state cannot be used
    │   ├── StateLockedError           H401  another process holds the state
    │   ├── StateCorruptError          H402  the state file is damaged
    │   ├── StateVersionError          H403  the state was written by a newer Homeostat
    │   ├── LeaseHeldError             H404  another controller is in charge of the model
    │   ├── LedgerBrokenError          H405  the hash chain does not hold
    │   ├── DiskFullError              H406  no room to write
    │   └── BlobMissingError           H407  recorded content is gone or altered
    ├── ServingError                   H500  a prediction cannot be answered
    │   ├── UnknownModelError          H501  no such model here
    │   ├── NotReadyError              H502  no version serves yet
    │   ├── InputError                 H503  the request does not fit the model's schema
    │   │   ├── BodyTooLargeError      H506  the request is larger than the gateway takes
    │   │   ├── SlowRequestError       H507  the request took too long to arrive
    │   │   ├── UnknownRouteError      H509  the gateway has no such route
    │   │   └── MethodError            H510  the route is asked with another method
    │   ├── ModelLoadError             H504  a version could not be loaded or failed its self-test
    │   ├── OverloadedError            H505  more requests wait than the gateway takes on
    │   ├── UnexpectedError            H508  a fault of Homeostat's own; its log has the trace
    │   └── WorkerGoneError            H511  a worker of the gateway does not answer
    ├── OrderError                     H600  a person asked for something that cannot be done
    │   └── UnknownVersionError        H601  no such version
    └── MissingExtraError              H700  an optional dependency is not installed

Each error carries a ``code``, a ``subject`` (the file, line, field, source or version it is
about) and a ``next_step`` (what to do now). ``str(error)`` shows all of it. Broken invariants
of Homeostat itself are not in this tree: they are asserts, and stay on.
"""

from __future__ import annotations

from typing import Any, ClassVar


class HomeostatError(Exception):
    """Root of all errors that Homeostat raises on purpose."""

    code: ClassVar[str] = "H000"

    def __init__(self, problem: str, *, subject: str = "", next_step: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.subject = subject
        self.next_step = next_step

    def __str__(self) -> str:
        """One line: code, subject, problem, next step."""
        head = f"{self.subject}: " if self.subject else ""
        tail = f" Next: {self.next_step}" if self.next_step else ""
        return f"[{self.code}] {head}{self.problem}{tail}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle with all fields, so that errors cross process borders whole."""
        return (_rebuild, (type(self), self.problem, self.subject, self.next_step))

    def as_dict(self) -> dict[str, str]:
        """The shape in which ``--json`` and HTTP answers show an error."""
        return {
            "code": self.code,
            "error": type(self).__name__,
            "problem": self.problem,
            "subject": self.subject,
            "next_step": self.next_step,
        }


def _rebuild(
    kind: type[HomeostatError], problem: str, subject: str, next_step: str
) -> HomeostatError:
    return kind(problem, subject=subject, next_step=next_step)


class ProjectError(HomeostatError):
    """The project file or the Python code beside it is wrong."""

    code = "H100"


class ProjectFileError(ProjectError):
    """``homeostat.yaml`` has a syntax error, an unknown key or a wrong value."""

    code = "H101"


class ProjectVersionError(ProjectError):
    """The project file asks for a newer format than this Homeostat knows."""

    code = "H102"


class ProjectCodeError(ProjectError):
    """A function named in the project file is missing, or raised."""

    code = "H103"


class LeakError(ProjectError):
    """A feature uses a column that is known only after the prediction time."""

    code = "H104"


class DataError(HomeostatError):
    """The data is not usable."""

    code = "H200"


class SourceError(DataError):
    """A source could not be read."""

    code = "H201"


class EmptyDataError(DataError):
    """There are no rows where rows are needed."""

    code = "H202"


class ColumnError(DataError):
    """A column is missing, or its values have the wrong type."""

    code = "H203"


class DuplicateIdError(DataError):
    """An id that must be unique stands in more than one row."""

    code = "H204"


class TargetError(DataError):
    """The target cannot be learned from: one class only, or all null."""

    code = "H205"


class RunError(HomeostatError):
    """A training run did not finish."""

    code = "H300"


class StepError(RunError):
    """One step of a training run failed; the cause is chained."""

    code = "H301"


class ReproduceError(RunError):
    """A version cannot be trained again from its record."""

    code = "H302"


class StateError(HomeostatError):
    """The recorded state cannot be used."""

    code = "H400"


class StateLockedError(StateError):
    """Another process holds the state file for longer than we wait."""

    code = "H401"


class StateCorruptError(StateError):
    """The state file is damaged."""

    code = "H402"


class StateVersionError(StateError):
    """The state was written by a newer Homeostat."""

    code = "H403"


class LeaseHeldError(StateError):
    """Another controller is in charge of this model."""

    code = "H404"


class LedgerBrokenError(StateError):
    """The ledger's hash chain does not hold at a named entry."""

    code = "H405"


class DiskFullError(StateError):
    """There is no room to write; nothing was half-written."""

    code = "H406"


class BlobMissingError(StateError):
    """Content that the ledger names is gone, or its bytes were altered."""

    code = "H407"


class ServingError(HomeostatError):
    """A prediction cannot be answered."""

    code = "H500"


class UnknownModelError(ServingError):
    """The request names a model that is not served here."""

    code = "H501"


class NotReadyError(ServingError):
    """No version of the model serves yet."""

    code = "H502"


class InputError(ServingError):
    """The request does not fit the model's schema."""

    code = "H503"


class BodyTooLargeError(InputError):
    """The request is larger than the gateway takes."""

    code = "H506"


class SlowRequestError(InputError):
    """The request took longer to arrive than the gateway waits."""

    code = "H507"


class UnknownRouteError(InputError):
    """The gateway has no such route."""

    code = "H509"


class MethodError(InputError):
    """The route is asked with another HTTP method."""

    code = "H510"


class ModelLoadError(ServingError):
    """A version could not be loaded, or failed its self-test."""

    code = "H504"


class OverloadedError(ServingError):
    """More requests wait than the gateway takes on; asking again a little later helps."""

    code = "H505"


class UnexpectedError(ServingError):
    """A fault of Homeostat's own while answering; the gateway's log has the trace."""

    code = "H508"


class WorkerGoneError(ServingError):
    """A worker process of the gateway does not answer on its socket."""

    code = "H511"


class OrderError(HomeostatError):
    """A person asked for something that cannot be done now."""

    code = "H600"


class UnknownVersionError(OrderError):
    """There is no such version in the registry."""

    code = "H601"


class MissingExtraError(HomeostatError):
    """An optional dependency is not installed."""

    code = "H700"
