-- One chat call after the other. Arguments: file with the body, gateway key. Prints one line of JSON at the end.
function init(arguments)
    local file = io.open(arguments[1], "rb")
    wrk.method = "POST"
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. arguments[2]
end

function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '\nRESULT {"requests": %d, "seconds": %.6f, "bad_status": %d, "broken": %d, "p50_us": %.0f, "p99_us": %.0f}\n',
        summary.requests, summary.duration / 1e6, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(50), latency:percentile(99)))
end
