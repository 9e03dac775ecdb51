/// Values in numbered places that are used again.
///
/// A place has a generation that changes whenever it is emptied, so that nobody can mean a later value by mistake.
struct SlotTable<Value: Sendable>: Sendable {
    private struct Place: Sendable {
        var value: Value
        var generation: UInt32 = 0
        var isTaken = true
    }

    /// What stands in a place that is free.
    private let empty: Value
    private var places: [Place] = []
    private var free: [Int] = []

    init(empty: Value) { self.empty = empty }

    /// Values that are there.
    var count: Int { self.places.count - self.free.count }

    /// The places with a value.
    var slots: [Int] { self.places.indices.filter { self.places[$0].isTaken } }

    /// Puts a value in some place.
    mutating func insert(_ value: Value) -> (slot: Int, generation: UInt32) {
        guard let slot = self.free.popLast() else {
            self.places.append(Place(value: value))
            return (self.places.count - 1, 0)
        }
        self.places[slot].value = value
        self.places[slot].isTaken = true
        return (slot, self.places[slot].generation)
    }

    /// The value of a place that is known to have one.
    subscript(slot: Int) -> Value {
        _read { yield self.places[slot].value }
        _modify { yield &self.places[slot].value }
    }

    func contains(_ slot: Int) -> Bool { self.places.indices.contains(slot) && self.places[slot].isTaken }

    func contains(_ slot: Int, _ generation: UInt32) -> Bool {
        self.contains(slot) && self.places[slot].generation == generation
    }

    /// Empties a place.
    mutating func remove(_ slot: Int) {
        guard self.contains(slot) else { return }
        self.places[slot].value = self.empty
        self.places[slot].isTaken = false
        self.places[slot].generation &+= 1
        self.free.append(slot)
    }

    /// Takes the value out of a place if it is still the one that was meant.
    mutating func remove(_ slot: Int, _ generation: UInt32) -> Value? {
        guard self.contains(slot, generation) else { return nil }
        var value = self.empty
        swap(&value, &self.places[slot].value)
        self.remove(slot)
        return value
    }

    /// The next place with a value from `cursor` on, which moves past it and begins anew at the end.
    mutating func next(from cursor: inout Int) -> Int? {
        if cursor >= self.places.count { cursor = 0 }
        guard cursor < self.places.count else { return nil }
        defer { cursor += 1 }
        return self.places[cursor].isTaken ? cursor : nil
    }
}
