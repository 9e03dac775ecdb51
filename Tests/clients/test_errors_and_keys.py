"""Who may call, what they hear if not, and the shape of every error."""

import pytest

from conftest import GATEWAY_KEY, PROVIDER_KEY, configuration_for, poll

WRONG = "tp_wrong_key_that_nobody_ever_had_01"

REFUSED = {
    "nothing": {},
    "an unknown key": {"authorization": f"Bearer {WRONG}"},
    "an unknown key elsewhere": {"x-api-key": WRONG},
    "half of the key": {"authorization": f"Bearer {GATEWAY_KEY[:-1]}"},
    "one character more": {"authorization": f"Bearer {GATEWAY_KEY}x"},
    "no scheme": {"authorization": GATEWAY_KEY},
    "another scheme": {"authorization": f"Basic {GATEWAY_KEY}"},
    "an empty key": {"x-api-key": ""},
    "the provider's own key": {"authorization": f"Bearer {PROVIDER_KEY}"},
    "a key of 10,000 bytes": {"authorization": "Bearer " + "a" * 10_000},
    "an injection": {"authorization": "Bearer ' OR '1'='1"},
}

BODY = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}


def call(gateway, headers, path="/v1/chat/completions"):
    del_auth = {"authorization": None}
    request = gateway.http.build_request("POST", path, json=BODY)
    for name in del_auth:
        request.headers.pop(name, None)
    for name, value in headers.items():
        request.headers[name] = value
    return gateway.http.send(request)


@pytest.mark.parametrize("name", REFUSED)
def test_whoever_has_no_key_hears_the_same_words(gateway, simulator, name):
    answer, other = call(gateway, REFUSED[name]), call(gateway, {})
    assert answer.status_code == 401
    assert answer.json() == other.json(), "the answer tells why, which helps only those who guess"
    assert answer.json()["error"]["code"] == "unauthenticated"
    assert answer.headers["x-request-id"]
    assert simulator.calls() == []


def test_a_key_in_the_query_is_no_key(gateway):
    assert call(gateway, {}, f"/v1/chat/completions?api_key={WRONG}").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {GATEWAY_KEY}"},
        {"authorization": f"bearer {GATEWAY_KEY}"},
        {"x-api-key": GATEWAY_KEY},
        {"authorization": f"Bearer {GATEWAY_KEY}", "x-api-key": GATEWAY_KEY},
    ],
)
def test_a_key_is_taken_from_either_header(gateway, headers):
    assert call(gateway, headers).status_code == 200


def test_two_different_keys_are_one_too_many(gateway, simulator):
    answer = call(gateway, {"authorization": f"Bearer {GATEWAY_KEY}", "x-api-key": WRONG})
    assert answer.status_code in (400, 401)
    assert simulator.calls() == []


def test_an_unknown_model_names_the_nearest_known_one(gateway):
    # A call cannot show it here: an id that names nothing known goes to the default provider, which is to judge it.
    listed = gateway.http.get("/v1/models/fastt")
    assert listed.status_code == 404
    error = listed.json()["error"]
    assert error["code"] == "model_not_found" and "fast" in error["message"]


def test_an_unknown_model_of_the_provider_is_its_404(gateway):
    answer = gateway.chat("sim/sim?status=404")
    assert answer.status_code == 404


def test_a_group_without_a_key_for_the_provider_is_told_so(start_gateway, simulator):
    configuration = configuration_for(simulator, server={"settings_url": "https://example.com/settings"})
    configuration["bootstrap"]["groups"][0]["credentials"] = []
    gateway = start_gateway(configuration)
    answer = gateway.chat("fast")
    assert answer.status_code == 424
    error = answer.json()["error"]
    assert error["code"] == "ai_not_configured"
    assert error["message"] == "AI is not configured for this group. Please add an API key in settings."
    assert simulator.calls() == []


def test_no_group_uses_the_key_of_another(start_gateway, simulator):
    configuration = configuration_for(simulator)
    other = {"id": "other", "credentials": [], "keys": [{"name": "dev", "secret": "tp_other_group_0123456789"}]}
    configuration["bootstrap"]["groups"].append(other)
    gateway = start_gateway(configuration)
    answer = call(gateway, {"authorization": "Bearer tp_other_group_0123456789"})
    assert answer.status_code == 424 and simulator.calls() == []
    assert gateway.chat("fast").status_code == 200


@pytest.mark.parametrize(
    "method, path, status, code",
    [
        ("GET", "/v1/chat/completions", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
        ("POST", "/v1/nothing/here", 404, "not_found"),
        ("GET", "/v1/", 404, "not_found"),
        ("GET", "/v1/models/nowhere-at-all-0", 404, "model_not_found"),
    ],
)
def test_wrong_paths_and_methods_are_answered_in_the_clients_dialect(gateway, method, path, status, code):
    answer = gateway.http.request(method, path)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code and set(error) >= {"message", "type", "param", "code"}
    assert answer.headers["content-type"].startswith("application/json") and answer.headers["x-request-id"]
    if status == 405:
        assert answer.headers["allow"]


def test_a_request_id_that_is_no_sane_token_is_replaced(gateway):
    for bad in ("a b", "x" * 500, "<script>"):
        answer = gateway.http.get("/v1/models", headers={"x-request-id": bad})
        assert answer.headers["x-request-id"] not in ("", bad)


def test_a_provider_that_nobody_reaches_is_a_503(start_gateway, simulator):
    configuration = configuration_for(simulator)
    configuration["providers"]["sim"]["base_url"] = "http://127.0.0.1:1/v1"
    gateway = start_gateway(configuration)
    answer = gateway.chat("sim/sim")
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "provider_unavailable"
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0"])
def test_an_address_inside_is_refused_at_the_start_unless_the_operator_says_so(start_gateway, simulator, host):
    """Row 26. Names that lead inside only once they are resolved are the dialer's business, and are tested there."""
    configuration = configuration_for(simulator)
    inside = {"kind": "openai", "base_url": f"http://{host}:{simulator.port}/v1", "auth": "none"}
    configuration["providers"]["inside"] = inside
    gateway = start_gateway(configuration, wait=False)
    poll(lambda: gateway.process.poll() is not None or gateway.is_ready(), message="refused or ready")
    if gateway.process.poll() is None:  # Started after all: then the call itself has to be refused.
        assert gateway.chat("inside/sim").status_code in (502, 503)
    else:
        assert gateway.process.returncode == 1 and "allow_private" in gateway.written()
    assert simulator.calls() == []


def test_a_redirect_is_not_followed(gateway, simulator):
    target = f"{simulator.root}/v1/chat/completions".replace(":", "%3A").replace("/", "%2F")
    answer = gateway.chat(f"sim/sim?redirect=307&location={target}")
    assert answer.status_code == 502
    assert len(simulator.calls()) == 1, "the provider key was taken elsewhere"
