internal import NIOConcurrencyHelpers

/// The closed sets of words that may stand in labels (row 53).
///
/// A provider or model that was not announced becomes `other`, so what clients send can never make a new series.
package struct MetricLabels: Sendable {
    /// Announced models at most; further ones become `other`.
    package static let modelsMax = 200
    /// Announced providers at most.
    package static let providersMax = 50

    /// Number of `other` in both sets.
    static let other: UInt16 = 0

    private(set) var names: [String] = ["other"]
    private var models: [String: UInt16] = [:]
    private var providers: [String: UInt16] = [:]
    private var numbers: [String: UInt16] = ["other": 0]

    init() {}

    /// Adds words.
    ///
    /// What was announced once stays, so that counters go on over a reload.
    mutating func announce(providers: [String], models: [String]) {
        for name in providers where self.providers[name] == nil && self.providers.count < Self.providersMax {
            self.providers[name] = self.number(name)
        }
        for name in models where self.models[name] == nil && self.models.count < Self.modelsMax {
            self.models[name] = self.number(name)
        }
    }

    func provider(_ name: String) -> UInt16 { self.providers[name] ?? Self.other }
    func model(_ name: String) -> UInt16 { self.models[name] ?? Self.other }
    func name(_ number: UInt16) -> String { self.names[Int(number)] }

    private mutating func number(_ name: String) -> UInt16 {
        if let known = self.numbers[name] { return known }
        let number = UInt16(self.names.count)
        self.names.append(name)
        self.numbers[name] = number
        return number
    }
}
