"""Clients that are slow, malformed or too many, over a real port."""

import json
import socket
import time

import httpx
import pytest

from tests.served_gateway import BASE, ROW, gateway, raw


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with gateway(tmp_path_factory.mktemp("slow")).listening(0.5, connections=5) as port:
        yield port


def problem(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0].decode(), json.loads(body)


def test_a_whole_request_is_answered(port):
    answer = httpx.post(f"http://127.0.0.1:{port}{BASE}/predict", json=ROW)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /v1",
        b"POST /v1/models/tumours/predict HTTP/1.1\r\nHost: x\r\n",
        b"POST /v1/models/tumours/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{",
        b"POST /v1/models/tumours/predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5",
    ],
)
def test_a_request_that_never_ends_is_cut_off_with_the_reason(port, sent):
    status, body = problem(raw(port, sent))
    assert status.startswith("HTTP/1.1 408")
    assert body["code"] == "H507"


def test_a_client_that_drips_is_cut_off_though_it_is_never_silent(port):
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\n")
        try:
            for _ in range(200):
                client.sendall(b"x: y\r\n")
                time.sleep(0.02)
        except OSError:
            return
    pytest.fail("it was never cut off")


def test_headers_without_end_are_refused(port):
    sent = b"GET / HTTP/1.1\r\n" + b"x: " + b"y" * 70_000
    status, body = problem(raw(port, sent))
    assert status.startswith("HTTP/1.1 408")
    assert "64 KiB" in body["problem"]


@pytest.mark.parametrize(
    "sent", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]
)
def test_what_is_not_http_has_the_one_shape(port, sent):
    status, body = problem(raw(port, sent))
    assert status.startswith("HTTP/1.1 422")
    assert set(body) == {"code", "error", "problem", "subject", "next_step"}


def test_more_connections_than_declared_are_told_to_come_back(port):
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    try:
        time.sleep(0.1)
        status, body = problem(raw(port, b""))
        assert status.startswith("HTTP/1.1 503")
        assert body["code"] == "H505"
    finally:
        for client in held:
            client.close()


def test_a_finished_request_leaves_no_timer_behind(port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.post(f"{BASE}/predict", json=ROW).status_code == 200
        time.sleep(0.8)
        assert client.post(f"{BASE}/predict", json=ROW).status_code == 200
