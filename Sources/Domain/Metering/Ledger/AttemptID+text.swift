package import Core

extension AttemptID {
    /// For people and events: `<epoch>-<number>`, since the value may be larger than what JavaScript counts to.
    package var text: String {
        "\(self.epoch)-\(self.value & (1 << Self.counterBits - 1))"
    }
}

extension UnixTime {
    /// `2026-11-21`, the day in UTC.
    package var dayText: String { String(self.rfc3339.prefix(10)) }
}
