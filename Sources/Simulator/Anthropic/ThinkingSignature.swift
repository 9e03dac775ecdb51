/// Signs what the simulator thinks, so that a thought that comes back changed is noticed.
///
/// It keeps nobody from forging thoughts, which here would gain nothing; it finds those that a gateway has touched.
enum ThinkingSignature {
    /// The signature of a thought as the client was given it.
    static func of(_ thought: String) -> String {
        let one = Wording.fingerprint("signed \(thought)")
        let two = Wording.fingerprint("\(thought) signed")
        return "EqSim\(String(one, radix: 36))\(String(two, radix: 36))=="
    }
}
