package import Core

/// What a provider says was used, as its exports have it: sums for days and models.
package struct Invoice: Sendable, Equatable {
    /// What sums are kept by.
    package struct Key: Sendable, Hashable, Comparable {
        /// `2026-11-20`, UTC.
        package let day: String
        /// The provider's name of the model; empty where the export does not say.
        package let model: String

        package init(day: String, model: String) {
            self.day = day
            self.model = model
        }

        package static func < (left: Self, right: Self) -> Bool { (left.day, left.model) < (right.day, right.model) }
    }

    /// What was used on a day with a model; nil is what the export does not say.
    package struct Line: Sendable, Equatable {
        package var requests: Int64?
        package var inputTokens: Int64?
        package var outputTokens: Int64?
        package var cost: MicroDollars?

        package init(
            requests: Int64? = nil,
            inputTokens: Int64? = nil,
            outputTokens: Int64? = nil,
            cost: MicroDollars? = nil
        ) {
            self.requests = requests
            self.inputTokens = inputTokens
            self.outputTokens = outputTokens
            self.cost = cost
        }

        package static func += (left: inout Self, right: Self) {
            left.requests = Self.sum(left.requests, right.requests)
            left.inputTokens = Self.sum(left.inputTokens, right.inputTokens)
            left.outputTokens = Self.sum(left.outputTokens, right.outputTokens)
            if let cost = right.cost { left.cost = (left.cost ?? .zero) + cost }
        }

        private static func sum(_ left: Int64?, _ right: Int64?) -> Int64? {
            guard let right else { return left }
            let (sum, isOver) = (left ?? 0).addingReportingOverflow(right)
            return isOver ? .max : sum
        }

        /// Whether nothing at all was used.
        var isEmpty: Bool {
            (self.requests ?? 0) == 0 && (self.inputTokens ?? 0) == 0 && (self.outputTokens ?? 0) == 0
                && (self.cost ?? .zero) == .zero
        }
    }

    package private(set) var lines: [Key: Line] = [:]

    package init() {}

    /// The first and the last day; nil for an empty one.
    package var days: (first: String, last: String)? {
        let days = self.lines.keys.map(\.day)
        guard let first = days.min(), let last = days.max() else { return nil }
        return (first, last)
    }

    /// Adds what was used.
    package mutating func add(_ line: Line, _ key: Key) { self.lines[key, default: Line()] += line }
}

/// Why a provider's file cannot be read.
package struct InvoiceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Says what is wrong, and where.
    package let description: String

    package init(_ description: String) { self.description = description }
}

/// What differs between an invoice and the ledger.
package struct Reconciliation: Sendable, Equatable {
    /// One day and model that do not agree.
    package struct Difference: Sendable, Equatable {
        package enum Kind: String, Sendable {
            /// The provider has it, the ledger does not.
            case missingHere = "missing_here"
            /// The ledger has it, the provider does not.
            case missingThere = "missing_there"
            /// Both have it, and at least one figure is further off than the tolerance allows.
            case differs
        }

        package let key: Invoice.Key
        package let kind: Kind
        /// The provider's figures.
        package let theirs: Invoice.Line
        /// The ledger's.
        package let ours: Invoice.Line
    }

    /// The most that two figures may differ, as a part of the larger one: 0.01 for one per cent.
    package let tolerance: Double
    /// In the order of days and models.
    package private(set) var differences: [Difference] = []
    /// Days and models that agree.
    package private(set) var agreed = 0
    /// All of the provider's figures.
    package private(set) var theirs = Invoice.Line()
    /// All of the ledger's.
    package private(set) var ours = Invoice.Line()

    /// Compares both sides by day and model.
    ///
    /// Only tokens and costs that the provider's side states are compared; providers count requests in their own ways.
    /// A dated version of a model (`gpt-4o-2024-08-06`) is compared as the model itself, as calls may name either.
    package init(_ invoice: Invoice, with ledger: Invoice, tolerance: Double) {
        self.tolerance = tolerance
        var theirs: [Invoice.Key: Invoice.Line] = [:]
        var ours: [Invoice.Key: Invoice.Line] = [:]
        // An export that does not tell models is compared by day alone.
        let hasModels = invoice.lines.keys.contains { !$0.model.isEmpty }
        for (key, line) in invoice.lines { theirs[Self.key(key, hasModels), default: .init()] += line }
        for (key, line) in ledger.lines { ours[Self.key(key, hasModels), default: .init()] += line }
        for key in Set(theirs.keys).union(ours.keys).sorted() {
            self.compare(key, theirs[key], ours[key])
        }
    }

    private mutating func compare(_ key: Invoice.Key, _ theirs: Invoice.Line?, _ ours: Invoice.Line?) {
        if let theirs { self.theirs += theirs }
        if let ours { self.ours += ours }
        let (mine, other) = (ours ?? .init(), theirs ?? .init())
        let kind: Difference.Kind
        switch (theirs?.isEmpty ?? true, ours?.isEmpty ?? true) {
        case (true, true):
            self.agreed += 1
            return
        case (false, true): kind = .missingHere
        case (true, false): kind = .missingThere
        case (false, false):
            guard !self.agrees(other, mine) else {
                self.agreed += 1
                return
            }
            kind = .differs
        }
        self.differences.append(Difference(key: key, kind: kind, theirs: other, ours: mine))
    }

    private func agrees(_ theirs: Invoice.Line, _ ours: Invoice.Line) -> Bool {
        self.isNear(theirs.inputTokens, ours.inputTokens) && self.isNear(theirs.outputTokens, ours.outputTokens)
            && self.isNear(theirs.cost?.value, ours.cost?.value)
    }

    private func isNear(_ theirs: Int64?, _ ours: Int64?) -> Bool {
        guard let theirs else { return true }
        let (a, b) = (Double(theirs), Double(ours ?? 0))
        return abs(a - b) <= self.tolerance * max(abs(a), abs(b))
    }

    /// The key under which both sides are compared: without case, and without the date of a version.
    private static func key(_ key: Invoice.Key, _ hasModels: Bool) -> Invoice.Key {
        Invoice.Key(day: key.day, model: hasModels ? Self.family(key.model) : "")
    }

    /// `gpt-4o` for `gpt-4o-2024-08-06`, `claude-haiku-4-5` for `claude-haiku-4-5-20251001`.
    static func family(_ model: String) -> String {
        let model = model.lowercased()
        let parts = model.split(separator: "-", omittingEmptySubsequences: false)
        func isNumber(_ part: Substring, _ count: Int) -> Bool {
            part.utf8.count == count && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
        }
        if let last = parts.last, parts.count > 1, isNumber(last, 8), last.hasPrefix("20") {
            return parts.dropLast().joined(separator: "-")
        }
        guard parts.count > 3 else { return model }
        let date = parts.suffix(3).map { $0 }
        guard isNumber(date[0], 4), date[0].hasPrefix("20"), isNumber(date[1], 2), isNumber(date[2], 2) else {
            return model
        }
        return parts.dropLast(3).joined(separator: "-")
    }
}
