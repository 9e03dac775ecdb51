/// Finds the known name closest to what somebody typed, for "did you mean".
package enum NearestName {
    /// The member of `known` with the smallest edit distance to `name`, if it is close enough to be a likely slip: at
    /// most a third of the name's length, and at least 1.
    ///
    /// Names beyond 128 bytes are not compared.
    package static func find(_ name: String, in known: some Sequence<String>) -> String? {
        let wanted = Array(name.lowercased().utf8)
        guard !wanted.isEmpty, wanted.count <= 128 else { return nil }
        var best: (name: String, distance: Int)?
        for candidate in known where candidate.utf8.count <= 128 {
            let distance = Self.distance(wanted, Array(candidate.lowercased().utf8))
            if best.map({ distance < $0.distance }) ?? true { best = (candidate, distance) }
        }
        guard let best, best.distance <= max(1, wanted.count / 3) else { return nil }
        return best.name
    }

    /// Levenshtein distance, one row at a time.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let above = row[j + 1]
                row[j + 1] = min(above + 1, row[j] + 1, diagonal + (a == b ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
