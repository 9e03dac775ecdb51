import Core
import NIOCore
import Transport
import Wire

/// Sends a request and tries again what may pass by itself.
struct ServiceCaller: Sendable {
    let fetcher: Fetcher
    let surroundings: RemoteKeys.Surroundings

    private static let pauses: [Duration] = [.milliseconds(200), .seconds(1)]
    private static let answerBytesMax = 256 << 10

    /// The answer, whatever its status; throttling and failures of the server are tried three times in all.
    ///
    /// - Parameter makeRequest: Called anew for each attempt, since a signature has a time in it.
    /// - Throws: `RemoteKeyError.unavailable`, `CancellationError`.
    func call(_ service: String, _ makeRequest: () throws -> FetchRequest) async throws -> FetchAnswer {
        var reason = ""
        for attempt in 0...Self.pauses.count {
            if attempt > 0 { try await self.surroundings.pause(Self.pauses[attempt - 1]) }
            var request = try makeRequest()
            request.answerBytesMax = Self.answerBytesMax
            do {
                let answer = try await self.fetcher.fetch(request)
                guard answer.status == 429 || answer.status >= 500 || Self.isThrottled(answer) else { return answer }
                reason = "status \(answer.status)"
            } catch let error as TransportError {
                reason = Self.sentence(of: error, request.endpoint)
                if !Self.mayPass(error) { break }
            } catch let error as FetchError {
                throw RemoteKeyError.unavailable(service: service, reason: error.description)
            }
        }
        throw RemoteKeyError.unavailable(service: service, reason: reason)
    }

    /// An endpoint of these surroundings.
    func endpoint(_ url: String, orSay form: String) throws(RemoteKeyError) -> Endpoint {
        do {
            return try Endpoint(
                url: url,
                allowPrivate: self.surroundings.allowPrivate,
                caFile: self.surroundings.value("AWS_CA_BUNDLE")
            )
        } catch {
            throw .badSource(form)
        }
    }

    /// AWS throttles with status 400 and a name.
    private static func isThrottled(_ answer: FetchAnswer) -> Bool {
        guard answer.status == 400 else { return false }
        let code = AWSFault.code(of: answer)
        return code.contains("Throttl") || code == "TooManyRequestsException" || code == "LimitExceededException"
    }

    private static func mayPass(_ error: TransportError) -> Bool {
        switch error {
        case .forbiddenAddress, .tlsFailed, .protocolViolation, .bodyTooLarge: false
        case .timeout, .nameNotResolved, .connectFailed, .closedBeforeHead, .closedInBody: true
        }
    }

    private static func sentence(of error: TransportError, _ endpoint: Endpoint) -> String {
        switch error {
        case .timeout(let clock, let limit, _):
            "nothing from \(endpoint.authority) within \(limit.milliseconds) ms (\(clock.rawValue))"
        case .nameNotResolved: "the name \(endpoint.host) cannot be resolved"
        case .forbiddenAddress:
            "\(endpoint.host) is a private address, which needs credentials.allow_private: true"
        case .connectFailed: "no connection to \(endpoint.authority)"
        case .tlsFailed(let reason): "TLS with \(endpoint.authority) failed: \(reason)"
        case .closedBeforeHead, .closedInBody: "\(endpoint.authority) closed the connection"
        case .protocolViolation(let reason): "\(endpoint.authority) does not speak HTTP: \(reason)"
        case .bodyTooLarge(let limit): "the answer has more than \(limit) bytes"
        }
    }
}
