"""What is stored or sent is taken as it stands (rows 25, 26, 32)."""

import httpx

from conftest import GATEWAY_KEY, PROVIDER_KEY, Simulator, configuration_for


def test_what_looks_like_a_variable_in_a_stored_key_is_sent_as_it_stands(start_gateway, tmp_path, simulator):
    """Row 32: only the boot file is expanded."""
    literal = "${HOME}-os.environ/PATH-$HOME-{{env}}-0123456789"
    strict = Simulator(tmp_path / "strict", required_key=literal)
    try:
        configuration = configuration_for(simulator)
        configuration["providers"]["strict"] = {"kind": "openai", "base_url": strict.url, "allow_private": True}
        del configuration["bootstrap"]["groups"][0]["keys"]
        gateway = start_gateway(configuration)
        first = (gateway.data / "first-key").read_text().strip()
        gateway.http.headers["Authorization"] = f"Bearer {first}"
        body = {"provider": "strict", "apiKey": literal}
        group = gateway.http.get("/api/v1/groups").json()["data"][0]["id"]
        answer = gateway.http.post(f"/api/v1/groups/{group}/credentials", json=body)
        assert answer.status_code in (200, 201), answer.text
        assert gateway.chat("strict/sim").status_code == 200
        assert strict.calls()[-1]["status"] == 200
    finally:
        strict.stop()


def test_a_private_provider_is_refused_unless_the_boot_file_allows_it(start_gateway, simulator):
    """Row 26: by a name that leads to this machine, so that only the dialer can know."""
    configuration = configuration_for(simulator)
    configuration["providers"]["inside"] = {
        "kind": "openai", "base_url": f"http://localhost.localdomain:{simulator.port}/v1", "auth": "none",
    }
    configuration["providers"]["spelled"] = {"kind": "openai", "base_url": f"http://2130706433:{simulator.port}/v1", "auth": "none"}
    gateway = start_gateway(configuration)
    for provider in ("inside", "spelled"):
        answer = gateway.chat(f"{provider}/sim")
        assert answer.status_code in (502, 503), answer.text
    assert simulator.calls() == []


def test_nobody_can_add_a_place_to_call_over_the_api(gateway, simulator):
    """Row 25: places come from the boot file alone."""
    for method in ("POST", "PUT", "PATCH"):
        for path in ("/api/v1/providers", "/api/v1/providers/sim", "/v1/providers", "/api/v1/models", "/api/v1/routes"):
            body = {"name": "evil", "base_url": "http://127.0.0.1:9/v1", "baseURL": "http://127.0.0.1:9/v1"}
            answer = gateway.http.request(method, path, json=body)
            assert answer.status_code in (404, 405), f"{method} {path}: {answer.status_code}"
    body = {"provider": "sim", "apiKey": PROVIDER_KEY, "baseUrl": "http://127.0.0.1:9/v1"}
    answer = httpx.post(
        f"{gateway.root}/api/v1/groups/demo/credentials/x/test", json=body,
        headers={"Authorization": f"Bearer {GATEWAY_KEY}"}, trust_env=False,
    )
    assert answer.status_code in (400, 403, 404)
    assert simulator.calls() == []
