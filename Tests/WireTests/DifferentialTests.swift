import TestKit
import Testing
import Wire

#if canImport(Glibc)
    import Glibc
#endif

/// The same bytes read by our codec and by llhttp (through NIOHTTP1).
///
/// They must mean the same, or differ in a way that `Difference` lists with its reason.
@Suite struct DifferentialTests {
    /// `TURNPIKE_DIFFERENTIAL_MESSAGES` connections are read, a million unless it says otherwise.
    static var count: Int {
        getenv("TURNPIKE_DIFFERENTIAL_MESSAGES").flatMap { Int(String(cString: $0)) } ?? 1_000_000
    }

    @Test(arguments: [true, false])
    func `generated messages mean the same to llhttp or differ in a listed way (row 1)`(isRequest: Bool) {
        var tally: [String: Int] = [:]
        var agreed = 0
        var examples: [String: String] = [:]
        var generator = MessageGenerator(seed: 0x7475_726E_7069_6B65, isRequest: isRequest)
        for _ in 0..<(Self.count / 2) {
            let bytes = generator.next()
            let closes = !isRequest && generator.random.oneIn(2)
            switch Self.compare(bytes, isRequest: isRequest, closes: closes) {
            case .same: agreed += 1
            case .listed(let reason): tally[reason, default: 0] += 1
            case .differs(let how): examples[how] = "closes \(closes): \(shown(bytes))"
            }
        }
        if Self.count >= 1_000_000 {
            // A class that no message falls into any more should leave the list.
            for difference in Difference.all where difference.isRequest == isRequest {
                #expect(tally[difference.reason] ?? 0 > 0, "\(difference.reason)")
            }
        }
        #expect(examples.isEmpty, "\(examples.sorted { $0.key < $1.key }.prefix(20))")
        #expect(agreed > Self.count / 8)
    }

    @Test func `llhttp refuses each desync shape too, or the difference is listed (row 1)`() {
        for shape in DesyncCorpus.all {
            if case .differs(let how) = Self.compare(shape.bytes, isRequest: true, closes: false) {
                Issue.record("\(how): \(shown(shape.bytes))")
            }
        }
    }

    enum Verdict { case same, listed(String), differs(String) }

    static func compare(_ bytes: [UInt8], isRequest: Bool, closes: Bool) -> Verdict {
        var reader = ConnectionReader(isRequest: isRequest)
        let ours = reader.read(bytes, closes: closes)
        let theirs = LlhttpReader(isRequest: isRequest).read(bytes, closes: closes)
        for (index, message) in ours.messages.enumerated() {
            guard index < theirs.messages.count else {
                return self.explain(nil, bytes, isRequest, "accepted", theirs: theirs.error)
            }
            if message != theirs.messages[index] {
                return .differs("meaning: \(message.method) \(message.target)")
            }
        }
        if ours.isClosed { return .same }
        let further = theirs.messages.count - ours.messages.count + (theirs.hasOpenMessage ? 1 : 0)
        if let error = ours.error {
            return theirs.error != nil ? .same : self.explain(error, ours.rest, isRequest, "further \(further)")
        }
        if let error = theirs.error {
            // We judge a line when its end is here. Then we must refuse it too.
            if reader.read(bytes + latin1("\r\n\r\n")).error != nil { return .same }
            return self.explain(nil, bytes, isRequest, "waits", theirs: error)
        }
        guard further == (ours.hasOpenMessage ? 1 : 0) else { return .differs("progress") }
        return .same
    }

    /// Finds the listed difference for an error of ours in `bytes`, which begin with what was refused; or, without an
    /// error, for one of llhttp somewhere in `bytes`.
    private static func explain(
        _ error: HTTPParseError?,
        _ bytes: [UInt8],
        _ isRequest: Bool,
        _ how: String,
        theirs: String? = nil
    ) -> Verdict {
        let text = shown(bytes, limit: .max).lowercased()
        for difference in Difference.all where difference.error == error && difference.explains(text) {
            if error == nil, difference.theirs != theirs { continue }
            if let scope = difference.isRequest, scope != isRequest { continue }
            return .listed(difference.reason)
        }
        return .differs("\(error.map { "\($0)" } ?? "we are laxer:") \(how), theirs \(theirs ?? "waits")")
    }
}
