package import NIOCore
package import Transport

/// A request handler made of one closure, for tests of the server.
package struct ScriptedHandler: RequestHandler {
    private let answer: @Sendable (any ServerExchange) async -> Void

    package init(_ answer: @escaping @Sendable (any ServerExchange) async -> Void) { self.answer = answer }

    package func handle(_ exchange: any ServerExchange) async { await self.answer(exchange) }

    package func refuse(_ fault: RequestFault, rawHead: ByteBuffer, exchange: any ServerExchange) async {
        let body = ByteBuffer(string: "\(fault)")
        exchange.begin(status: Self.status(of: fault), fields: ByteBuffer(), body: .length(body.readableBytes))
        exchange.write(body)
        try? await exchange.finish()
    }

    private static func status(of fault: RequestFault) -> Int {
        switch fault {
        case .malformed: 400
        case .headTooLarge: 431
        case .bodyTooLarge: 413
        case .timeout: 408
        case .unsupported: 417
        case .overloaded: 503
        }
    }
}
