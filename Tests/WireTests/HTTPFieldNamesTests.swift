import Testing

@testable import Wire

@Suite struct HTTPFieldNamesTests {
    @Test func `there is room for every name`() {
        #expect(HTTPFieldName.allCases.allSatisfy { $0.rawValue < HTTPFieldNames.countMax })
    }

    @Test(arguments: 0..<UInt8(HTTPFieldNames.countMax))
    func `a name is in the set that it was put into, and no other is`(number: UInt8) {
        var names = HTTPFieldNames()
        names.insert(number)
        for other in 0..<UInt8(HTTPFieldNames.countMax) { #expect(names.contains(other) == (other == number)) }
        names.insert(number ^ 64)
        #expect(names.contains(number) && names.contains(number ^ 64))
    }
}
