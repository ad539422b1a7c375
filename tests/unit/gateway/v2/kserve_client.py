"""KServe's own clients against two ports, in an environment of their own: prints JSON."""

import asyncio
import json
import sys

ROW = json.loads(sys.argv[3]) if __name__ == "__main__" else {}


def request():
    from kserve import InferInput, InferRequest

    inputs = [
        InferInput(name=name, shape=[2], datatype="FP64", data=[value, value])
        for name, value in ROW.items()
    ]
    return InferRequest(model_name="tumours", infer_inputs=inputs, request_id="request-7")


def outputs(answer):
    return {
        "id": answer.id,
        "version": answer.model_version,
        "outputs": {output.name: list(output.as_numpy().tolist()) for output in answer.outputs},
    }


async def rest(url):
    from kserve import InferenceRESTClient, RESTConfig

    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=20))
    answer = await client.infer(url, request(), model_name="tumours")
    return {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model": await client.is_model_ready(url, "tumours"),
        **outputs(answer),
    }


async def grpc(url):
    from kserve import InferenceGRPCClient

    client = InferenceGRPCClient(url=url, timeout=20)
    answer = await client.infer(request())
    return {
        "live": await client.is_server_live(),
        "ready": await client.is_server_ready(),
        "model": await client.is_model_ready("tumours"),
        **outputs(answer),
    }


async def main():
    saw = {"rest": await rest(sys.argv[1]), "grpc": await grpc(sys.argv[2])}
    sys.stdout.write(json.dumps(saw, default=bytes.decode))


if __name__ == "__main__":
    asyncio.run(main())
