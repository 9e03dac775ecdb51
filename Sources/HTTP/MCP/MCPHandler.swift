internal import Core
package import NIOCore
package import Tools
package import Transport

/// Serves one tool server and nothing else, for one person of this machine: `turnpike mcp tasks --http`.
///
/// There is no key, so it is for loopback addresses alone, and web pages are kept out: a page may make a browser call
/// this address, under a name of its own even, but cannot make it leave out where the page is from.
package struct MCPHandler: RequestHandler {
    private let front: MCPFront
    private let caller: ToolCaller

    package init(_ server: MCPServer, for caller: ToolCaller) {
        self.front = MCPFront(server)
        self.caller = caller
    }

    package func handle(_ exchange: any ServerExchange) async {
        do {
            let answer = try await self.answer(exchange)
            try await answer.send(on: exchange, requestID: RequestID(high: 0, low: 0))
        } catch {
            // The client went away, or its body never came: nobody is left to be told.
        }
    }

    private func answer(_ exchange: any ServerExchange) async throws -> Answer {
        let fields = MCPFields(exchange)
        guard fields.origin == nil, Self.isLocal(fields.host ?? "") else {
            return Answer(status: 403, json: ["error": "Only programs of this machine are served."])
        }
        return try await self.front.answer(exchange, holder: "local", for: self.caller)
    }

    private static func isLocal(_ host: String) -> Bool {
        let name = host.hasPrefix("[") ? String(host.prefix { $0 != "]" }) + "]" : String(host.prefix { $0 != ":" })
        return ["localhost", "127.0.0.1", "[::1]"].contains(name.lowercased())
    }

    package func refuse(_ fault: RequestFault, rawHead: ByteBuffer, exchange: any ServerExchange) async {
        let answer = Answer(status: 400, json: ["error": "The request cannot be read."])
        try? await answer.send(on: exchange, requestID: RequestID(high: 0, low: 0))
    }
}
