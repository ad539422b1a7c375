"""MLflow as tracker and registry mirror."""
