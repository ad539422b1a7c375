"""The Open Inference Protocol, version 2: tensors, REST, gRPC."""
