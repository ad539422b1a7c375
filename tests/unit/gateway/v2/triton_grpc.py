"""Triton's gRPC client against a port, in a process of its own: prints what it saw as JSON.

Its messages have the names of ours, and one process cannot hold both.
"""

import json
import sys

import numpy as np

if __name__ == "__main__":  # a test that looks for examples in here must not load the messages
    import tritonclient.grpc as triton
    from tritonclient.grpc import service_pb2, service_pb2_grpc
    from tritonclient.utils import InferenceServerException

ROW = json.loads(sys.argv[2]) if __name__ == "__main__" else {}


def inputs(count=3, datatype="FP64"):
    dtype = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64}[datatype]
    made = []
    for name, value in ROW.items():
        tensor = triton.InferInput(name, [count], datatype)
        tensor.set_data_from_numpy(np.full(count, value).astype(dtype))
        made.append(tensor)
    return made


def failure(ask):
    try:
        ask()
    except InferenceServerException as error:
        return [error.status(), error.message()]
    return None


def typed(stub):
    """A request with typed contents, by the bare stub."""
    request = service_pb2.ModelInferRequest(model_name="tumours", id="typed")
    for name, value in ROW.items():
        tensor = request.inputs.add(name=name, datatype="FP64", shape=[1])
        tensor.contents.fp64_contents.append(value)
    request.outputs.add(name="prediction")
    return stub.ModelInfer(request)


def both(stub):
    request = service_pb2.ModelInferRequest(model_name="tumours")
    tensor = request.inputs.add(name="mean_radius", datatype="FP64", shape=[1])
    tensor.contents.fp64_contents.append(1.0)
    request.raw_input_contents.append(b"12345678")
    try:
        stub.ModelInfer(request)
    except Exception as error:
        return str(error.code())
    return None


def main():
    client = triton.InferenceServerClient(sys.argv[1])
    stub = service_pb2_grpc.GRPCInferenceServiceStub(client._channel)
    wanted = [triton.InferRequestedOutput(name) for name in ("prediction", "probabilities")]
    answer = client.infer("tumours", inputs(), outputs=wanted, request_id="request-7")
    large = client.infer("tumours", inputs(10_000))
    plain = typed(stub)
    saw = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model": [client.is_model_ready("tumours"), client.is_model_ready("tumours", "1")],
        "absent": [client.is_model_ready("other"), client.is_model_ready("tumours", "99")],
        "server": client.get_server_metadata(as_json=True),
        "metadata": client.get_model_metadata("tumours", as_json=True),
        "index": client.get_model_repository_index(as_json=True),
        "id": answer.get_response().id,
        "version": answer.get_response().model_version,
        "outputs": [output.name for output in answer.get_response().outputs],
        "prediction": answer.as_numpy("prediction").tolist(),
        "probabilities": answer.as_numpy("probabilities").tolist(),
        "narrow": client.infer("tumours", inputs(datatype="FP32")).as_numpy("prediction").tolist(),
        "whole": client.infer("tumours", inputs(datatype="INT64")).as_numpy("prediction").tolist(),
        "large": len(set(large.as_numpy("prediction_id").tolist())),
        "typed": list(plain.outputs[0].contents.fp64_contents),
        "no model": failure(lambda: client.infer("other", inputs())),
        "no version": failure(lambda: client.infer("tumours", inputs(), model_version="99")),
        "no input": failure(lambda: client.infer("tumours", inputs()[1:])),
        "both contents": both(stub),
    }
    sys.stdout.write(json.dumps(saw))


if __name__ == "__main__":
    main()
