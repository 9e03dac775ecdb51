package import Core

/// How much answer a hard budget pays for.
package struct OutputGrant: Sendable, Equatable {
    /// Answers shorter than this are not worth the call.
    package static let smallest = 16
    /// What an answer may have where neither client nor price list says how long it can be.
    package static let assumed = 8192

    /// The bound to put into the request; nil where what is there is right.
    package var limit: Int?
    /// Tokens of all answers together that are paid for.
    package var paid: Int
    /// What that costs at most, with the request.
    package var cost: MicroDollars

    /// Finds the largest answer that is wanted, possible and affordable.
    ///
    /// - Parameter rest: What the tightest hard budget has left.
    /// - Returns: Nil if not even the shortest useful answer can be paid for.
    package static func make(_ size: AttemptSize, rates: Rates, rest: MicroDollars) -> OutputGrant? {
        guard size.hasOutput else {
            let cost = Self.fixedCost(size, rates)
            return cost <= rest ? OutputGrant(limit: nil, paid: 0, cost: cost) : nil
        }
        let choices = max(1, size.choices)
        let possible = size.outputPossible
        let wanted = min(size.outputWanted ?? .max, possible ?? size.outputWanted ?? Self.assumed)
        let (all, isOver) = wanted.multipliedReportingOverflow(by: choices)
        let wantedInAll = isOver ? Int.max : all
        let cost = rates.upperBound(inputTokens: size.inputBound, outputTokens: wantedInAll, units: size.units)
        if cost <= rest {
            // A bound that nobody set and nobody knows has to be set, or nothing would hold the answer to what is paid.
            let needsLimit = size.outputWanted == nil && possible == nil && cost > .zero
            return OutputGrant(limit: needsLimit ? wanted : nil, paid: wantedInAll, cost: cost)
        }
        let input = size.inputBound
        guard let affordable = rates.affordableOutput(for: rest, inputTokens: input, units: size.units) else {
            return nil
        }
        let each = affordable / choices
        guard each >= min(Self.smallest, wanted) else { return nil }
        let paid = each * choices
        return OutputGrant(
            limit: each,
            paid: paid,
            cost: rates.upperBound(inputTokens: size.inputBound, outputTokens: paid, units: size.units)
        )
    }

    /// What the call costs at most if its answer is no longer than is useful at all.
    static func least(_ size: AttemptSize, rates: Rates) -> MicroDollars {
        guard size.hasOutput else { return Self.fixedCost(size, rates) }
        let each = min(Self.smallest, size.outputWanted ?? Self.smallest)
        let (all, isOver) = each.multipliedReportingOverflow(by: max(1, size.choices))
        return rates.upperBound(
            inputTokens: size.inputBound,
            outputTokens: isOver ? Int.max : all,
            units: size.units
        )
    }

    /// The most that a call costs whose answer is as long as it is.
    private static func fixedCost(_ size: AttemptSize, _ rates: Rates) -> MicroDollars {
        rates.upperBound(
            inputTokens: size.inputBound,
            outputTokens: size.fixedOutput,
            images: size.images,
            units: size.units
        )
    }
}
