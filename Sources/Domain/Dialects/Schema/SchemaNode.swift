internal import Core

/// One schema, taken apart; others are named by their index.
struct SchemaNode: Sendable {
    /// The kinds of values, one bit each.
    struct Types: OptionSet, Sendable {
        let rawValue: UInt8
        static let null = Types(rawValue: 1)
        static let boolean = Types(rawValue: 2)
        static let integer = Types(rawValue: 4)
        static let number = Types(rawValue: 8)
        static let string = Types(rawValue: 16)
        static let array = Types(rawValue: 32)
        static let object = Types(rawValue: 64)

        static let names: [(name: String, type: Types)] = [
            ("null", .null), ("boolean", .boolean), ("integer", .integer), ("number", .number), ("string", .string),
            ("array", .array), ("object", .object),
        ]
    }

    /// Whether everything is valid, or nothing: the schemas `true` and `false`.
    var always: Bool?
    var types: Types?
    /// The values allowed, in one spelling, and as they are told.
    var choices: Set<[UInt8]>?
    var choicesText = ""
    var reference: Int?

    var properties: [[UInt8]: Int] = [:]
    var patternProperties: [(pattern: SchemaPattern, node: Int)] = []
    var additionalProperties: Int?
    var propertyNames: Int?
    var required: [String] = []
    var dependentRequired: [(name: String, others: [String])] = []
    var dependentSchemas: [(name: String, node: Int)] = []
    var propertyCount = Bounds()

    var prefixItems: [Int] = []
    var items: Int?
    var contains: Int?
    var containsCount = Bounds(least: 1)
    var itemCount = Bounds()
    var hasUniqueItems = false

    var length = Bounds()
    var pattern: SchemaPattern?
    var format: SchemaFormat?

    var minimum: Limit?
    var maximum: Limit?
    var factor: ExactNumber?

    var allOf: [Int] = []
    var anyOf: [Int] = []
    var oneOf: [Int] = []
    var not: Int?
    var condition: (test: Int, then: Int?, otherwise: Int?)?

    struct Bounds: Sendable {
        var least: Int?
        var most: Int?
    }

    struct Limit: Sendable {
        var number: ExactNumber
        /// As the schema has it.
        var text: String
        var isExclusive: Bool
    }
}
