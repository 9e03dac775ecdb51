/// Why a key could not be had from where it is kept; one line each, without any part of a key or a password.
package enum RemoteKeyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The setting is written in a way that cannot be read; the text says how to write it.
    case badSource(String)
    /// Neither the environment nor the machine says who we are there.
    case noCredentials(String)
    /// No region in the setting, the ARN or the environment.
    case noRegion
    /// The file with the sealed data key cannot be read.
    case unreadable(path: String)
    /// The service said no; `code` is its own word for it.
    case refused(service: String, code: String, advice: String)
    /// No answer, or none that helps, after all attempts.
    case unavailable(service: String, reason: String)
    /// An answer that is not as documented.
    case badAnswer(service: String)
    /// What is kept there is no key of 256 bits.
    case notAKey(source: String)

    package var description: String {
        switch self {
        case .badSource(let form): "cannot be read; write \(form)"
        case .noCredentials(let advice): "no credentials: \(advice)"
        case .noRegion: "no region: write @eu-west-1 behind the name, or ?region=, or set AWS_REGION"
        case .unreadable(let path): "the sealed data key cannot be read: \(path)"
        case .refused(let service, let code, let advice): "\(service) refuses (\(code)): \(advice)"
        case .unavailable(let service, let reason): "\(service) does not answer: \(reason)"
        case .badAnswer(let service): "\(service) answers in a way that is not documented"
        case .notAKey(let source): "\(source) does not hold 32 bytes: 64 hexadecimal digits, or binary"
        }
    }
}
