"""``inference.GRPCInferenceService``: each method over the model that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from homeostat.errors import (
    HomeostatError,
    InputError,
    ServingError,
    StateError,
    UnknownModelError,
)
from homeostat.gateway.asked import Asked
from homeostat.gateway.metrics import Metrics
from homeostat.gateway.model import Model
from homeostat.gateway.v2 import describe
from homeostat.gateway.v2.columns import check_wanted, chosen, columns_of, outputs_of
from homeostat.gateway.v2.grpc import open_inference_pb2
from homeostat.gateway.v2.grpc.messages import fill, tensors_of
from homeostat.gateway.v2.versions import version_of

if TYPE_CHECKING:
    import grpc

messages: Any = open_inference_pb2
SERVICE = "inference.GRPCInferenceService"
METHODS = (
    "ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer",
    "RepositoryIndex",
)  # fmt: skip


class Service:
    """Answers requests; safe to call from several threads."""

    def __init__(self, model: Model, metrics: Metrics) -> None:
        self._model = model
        self._metrics = metrics
        self._name = model.project.model

    def handler(self) -> grpc.GenericRpcHandler:
        """All methods, as grpc wants them registered."""
        import grpc

        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                method: grpc.unary_unary_rpc_method_handler(
                    self._guarded(method),
                    request_deserializer=getattr(messages, f"{method}Request").FromString,
                    response_serializer=getattr(messages, f"{method}Response").SerializeToString,
                )
                for method in METHODS
            },
        )

    def _guarded(self, method: str) -> Callable[[Any, grpc.ServicerContext], Any]:
        """A method whose errors become the status that the protocol knows."""
        answer: Callable[[Any], Any] = getattr(self, f"_{method}")
        route = f"grpc.{method}"
        latency = self._metrics.latency.labels(self._name, route)

        def guarded(request: Any, context: grpc.ServicerContext) -> Any:
            with latency.time():
                try:
                    return answer(request)
                except HomeostatError as error:
                    self._metrics.errors.labels(self._name, route, error.code).inc()
                    context.abort(status_of(error), str(error))

        return guarded

    # -- methods, named as in the protocol ----------------------------------------------

    def _ServerLive(self, _: Any) -> Any:
        return messages.ServerLiveResponse(live=True)

    def _ServerReady(self, _: Any) -> Any:
        return messages.ServerReadyResponse(ready=self._model.arms.ready)

    def _ModelReady(self, request: Any) -> Any:
        try:
            self._known(request.name)
            self._model.arms.named(version_of(request.version))
        except ServingError:
            return messages.ModelReadyResponse(ready=False)
        return messages.ModelReadyResponse(ready=True)

    def _ServerMetadata(self, _: Any) -> Any:
        return messages.ServerMetadataResponse(**describe.server())

    def _ModelMetadata(self, request: Any) -> Any:
        self._known(request.name)
        version = version_of(request.version)
        schema = self._model.schema(version)
        told = describe.model(self._name, schema, self._model.observe(), version)
        return messages.ModelMetadataResponse(**told)

    def _RepositoryIndex(self, request: Any) -> Any:
        told = describe.index(self._name, self._model.observe(), request.ready)
        return messages.RepositoryIndexResponse(models=told)

    def _ModelInfer(self, request: Any) -> Any:
        self._known(request.model_name)
        version = version_of(request.model_version)
        schema = self._model.schema(version)
        wanted = [output.name for output in request.outputs]
        check_wanted(wanted, schema)
        tensors = tensors_of(request)
        if not tensors:
            raise InputError(
                "there are no inputs", subject="inputs", next_step="send a tensor per feature"
            )
        columns, count = columns_of(tensors, schema, self._model.beside)
        answers = self._model.answer(Asked(columns, count, version))
        self._model.counted(answers, self._metrics)
        versions = set(answers.versions)
        response = messages.ModelInferResponse(
            model_name=self._name,
            model_version=str(versions.pop()) if len(versions) == 1 else "",
            id=request.id,
        )
        outputs = chosen(outputs_of(answers, schema.task), wanted)
        fill(response, outputs, raw=bool(request.raw_input_contents))
        return response

    def _known(self, name: str) -> None:
        if name != self._name:
            raise UnknownModelError(
                f"there is no model '{name[:60]}' here",
                subject=name[:60],
                next_step=f"this gateway serves '{self._name}'",
            )


def status_of(error: HomeostatError) -> grpc.StatusCode:
    """The status of an error."""
    import grpc

    if isinstance(error, InputError):
        return grpc.StatusCode.INVALID_ARGUMENT
    if isinstance(error, UnknownModelError):
        return grpc.StatusCode.NOT_FOUND
    if isinstance(error, ServingError | StateError):
        return grpc.StatusCode.UNAVAILABLE
    return grpc.StatusCode.INTERNAL
