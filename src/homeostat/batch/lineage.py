"""Where a batch's answers come from, as an OpenLineage run event (spec 2-0-2, file transport)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from homeostat.batch.job import Finished, Job

SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
PRODUCER = "https://github.com/homeostat/homeostat"


def run_event(job: Job, done: Finished, run_id: str, model: str, ended: datetime) -> dict[str, Any]:
    """The event that says that the job is complete. ``run_id`` is a UUID."""
    facet = {"_producer": PRODUCER, "_schemaURL": SCHEMA}
    return {
        "eventType": "COMPLETE",
        "eventTime": ended.isoformat(),
        "producer": PRODUCER,
        "schemaURL": SCHEMA,
        "run": {
            "runId": run_id,
            "facets": {
                "homeostat_version": {
                    **facet,
                    "model": model,
                    "version": job.version,
                    "digest": job.scorer.digest,
                }
            },
        },
        "job": {"namespace": "homeostat", "name": f"{model}.batch"},
        "inputs": [
            {"namespace": "file", "name": str(file.resolve()), "facets": _query(job, facet)}
            for file in job.table.files
        ],
        "outputs": [
            {
                "namespace": "file",
                "name": str(job.output.resolve()),
                "facets": {
                    "version": {**facet, "datasetVersion": done.output_digest},
                },
                "outputFacets": {
                    "outputStatistics": {
                        **facet,
                        "rowCount": done.rows,
                        "rejectedRows": done.rejected,
                    }
                },
            }
        ],
    }


def _query(job: Job, facet: dict[str, str]) -> dict[str, Any]:
    return {"sql": {**facet, "query": job.table.query}} if job.table.query else {}


def lineage_file(output: Path) -> Path:
    """Where the event is written."""
    return output.with_name(f"{output.name}.lineage.json")
