internal import NIOCore
internal import Pipeline
internal import Providers
internal import Wire

/// `GET /`: says that the gateway runs and how to call it.
///
/// One file, nothing loaded from elsewhere.
enum HomePage {
    static func answer(_ options: GatewayOptions, _ snapshot: Snapshot) -> Answer {
        let isReady = options.isReady()
        let page = Self.page(
            status: isReady ? "ready" : "not ready",
            version: options.version,
            url: options.publicURL,
            model: snapshot.catalog.defaultModel ?? snapshot.catalog.knownModels.first ?? "MODEL"
        )
        var answer = Answer(contentType: "text/html; charset=utf-8", body: ByteBuffer(string: page))
        answer.fields.writeField(
            "content-security-policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        answer.fields.writeField("x-content-type-options", "nosniff")
        answer.fields.writeField("referrer-policy", "no-referrer")
        answer.fields.writeField("cache-control", "no-store")
        return answer
    }

    private static func page(status: String, version: String, url: String, model: String) -> String {
        let base = Self.escape(url)
        let name = Self.escape(model)
        return """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Turnpike</title>
            <style>
            body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
            pre { background: #8881; padding: 1rem; overflow-x: auto; border-radius: 6px; }
            :root { color-scheme: light dark; }
            </style>
            <h1>Turnpike is \(status)</h1>
            <p>Version \(Self.escape(version)). Point any OpenAI SDK at <code>\(base)/v1</code>, with a gateway key.</p>
            <h2>curl</h2>
            <pre>curl \(base)/v1/chat/completions -H "authorization: Bearer $TURNPIKE_KEY" \
            -H "content-type: application/json" \
            -d '{"model":"\(name)","messages":[{"role":"user","content":"Hello"}]}'</pre>
            <h2>Python</h2>
            <pre>from openai import OpenAI
            client = OpenAI(base_url="\(base)/v1", api_key="YOUR_GATEWAY_KEY")
            messages = [{"role": "user", "content": "Hello"}]
            for chunk in client.chat.completions.create(model="\(name)", messages=messages, stream=True):
                print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="", flush=True)</pre>
            <h2>Terminal</h2>
            <pre>turnpike chat</pre>
            <p><a href="/healthz">health</a> · <a href="/readyz">readiness</a> · <a href="/openapi.json">API</a></p>
            </html>

            """
    }

    private static func escape(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
    }
}
