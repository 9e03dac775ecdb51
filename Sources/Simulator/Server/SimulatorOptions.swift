/// How a simulator is set up.
package struct SimulatorOptions: Sendable {
    /// How fast the simulator talks when a call does not say it.
    package enum Pace: Sendable {
        /// As a quick provider: the first word after 200 ms, 20 ms between words.
        case realistic
        /// As fast as the connection takes it.
        case none

        var milliseconds: (first: Int, between: Int) {
            switch self {
            case .realistic: return (200, 20)
            case .none: return (0, 0)
            }
        }
    }

    /// A certificate chain and its private key, both PEM files.
    package struct TLS: Sendable {
        package var certificateFile: String
        package var keyFile: String

        package init(certificateFile: String, keyFile: String) {
            self.certificateFile = certificateFile
            self.keyFile = keyFile
        }
    }

    /// The address to listen on.
    ///
    /// Anyone who can reach it can read the record, so leave it on loopback.
    package var host = "127.0.0.1"
    /// Zero takes any free port.
    package var port = 0
    /// Nil for plain HTTP.
    package var tls: TLS?
    /// The keys that are accepted.
    ///
    /// Empty: any key, as long as there is one.
    package var requiredKeys: [String] = []
    /// Whether a call without any key is answered, as a server of one's own would.
    package var acceptsNoKey = false
    package var pace = Pace.realistic
    /// Event loops, at least one.
    package var threads = 1
    /// How many calls the record holds before it forgets the oldest.
    package var recordLimit = 10_000
    /// Is told of each call when it has ended, on the connection's event loop: must not block.
    package var onCallEnded: (@Sendable (RecordedCall) -> Void)?
    /// A test may set the time.
    var clocks = Clocks.real

    package init() {}
}
