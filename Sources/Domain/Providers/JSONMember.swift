internal import Core

/// One member of an object, as a place in its bytes.
struct JSONMember {
    var key: JSONSlice
    var value: JSONSlice
    /// Whether the member stays when others are taken out.
    var isKept = true

    /// The bytes to take out so that the members that are not kept are gone and the object is still well-formed.
    ///
    /// A member goes with the comma before it where a kept one stands before it, else with the comma behind it.
    static func cuts(_ members: [JSONMember]) -> [Range<Int>] {
        var cuts: [Range<Int>] = []
        var hasKept = false
        for (position, member) in members.enumerated() {
            if member.isKept {
                hasKept = true
            } else if hasKept {
                cuts.append(members[position - 1].value.end..<member.value.end)
            } else if position + 1 < members.count {
                cuts.append(member.key.start..<members[position + 1].key.start)
            } else {
                cuts.append(member.key.start..<member.value.end)
            }
        }
        return cuts
    }
}
