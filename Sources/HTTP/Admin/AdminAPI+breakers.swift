internal import Core
internal import Operations

extension AdminAPI {
    func breakers(_ action: AdminAction, _ context: Context) async throws(GatewayError) -> AdminAnswer {
        guard action != .listBreakers else {
            return Self.breakers(try self.administration.listBreakers(by: context.actor))
        }
        let body = context.body
        let selection = BreakerSelection(
            provider: body.text("provider") ?? "",
            model: body.text("model"),
            credentialID: body.text("credentialId")
        )
        if action == .closeBreakers {
            return Self.breakers(try await self.administration.closeBreakers(selection, by: context.actor))
        }
        let changed = try await self.administration.openBreakers(
            selection,
            for: body.whole("seconds"),
            by: context.actor
        )
        return Self.breakers(changed)
    }

    private static func breakers(_ breakers: [ReportedBreaker]) -> AdminAnswer {
        .list(["data": .array(breakers.map { AdminJSON.breaker($0) }), "nextCursor": .null])
    }
}

extension AdminJSON {
    static func breaker(_ breaker: ReportedBreaker) -> JSONValue {
        [
            "provider": .string(breaker.provider),
            "model": .string(breaker.model),
            "credentialId": breaker.credentialID.isEmpty ? .null : .string(breaker.credentialID),
            "state": .string(breaker.state),
            "calls": .integer(Int64(breaker.calls)),
            "failures": .integer(Int64(breaker.failures)),
            "refused": .integer(Int64(clamping: breaker.refusals)),
            "opensInMs": breaker.opensInMilliseconds.map { .integer($0) } ?? .null,
            "coolsForMs": breaker.coolsForMilliseconds.map { .integer($0) } ?? .null,
        ]
    }
}

extension AdminAction {
    private static let breakerTarget: [BodyShape.Property] = [
        .init("provider", .text, isRequired: true, "The name of a configured provider."),
        .init("model", .text, "What the provider calls the model; all its models if not given."),
        .init("credentialId", .text, "The provider key; all if not given."),
    ]

    static let breakerOpening = BodyShape(
        properties: Self.breakerTarget + [
            .init(
                "seconds",
                .whole(1...Administration.breakerSecondsMax),
                "For how long; until they are closed if not given."
            )
        ]
    )

    static let breakerClosing = BodyShape(properties: Self.breakerTarget)
}
