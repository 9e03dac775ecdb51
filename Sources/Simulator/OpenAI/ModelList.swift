/// The models the simulator says it has.
///
/// It answers for every other name too, `sim-unknown` excepted.
enum ModelList {
    private static let models: [(id: String, about: String)] = [
        ("sim", "Answers in a few words."),
        ("sim-mini", "The same, under another name: for routes and price lists."),
        ("sim-reasoner", "Spends some reasoning tokens first."),
        ("sim-embedding", "Makes vectors."),
    ]

    /// The names of the models.
    static let ids = Self.models.map(\.id)

    /// The name that no model has.
    static let unknown = "sim-unknown"

    private static let created = 1_767_225_600

    static func list(_ flavour: Flavour) -> [UInt8] {
        let entries = Self.models.map { Self.entry($0.id, about: $0.about, flavour) }
        var members: [JSONValue.Member] = [.init("data", .array(entries))]
        if flavour != .openRouter { members.insert(.init("object", .string("list")), at: 0) }
        return Array(JSONValue.object(members).text.utf8)
    }

    /// One model, by any name but the unknown one, for which it is nil.
    static func one(_ id: String, _ flavour: Flavour) -> [UInt8]? {
        let name = String(id.prefix { $0 != "?" })
        guard !name.isEmpty, name != Self.unknown else { return nil }
        let about = Self.models.first { $0.id == name }?.about ?? "Any name will do."
        return Array(Self.entry(id, about: about, flavour).text.utf8)
    }

    private static func entry(_ id: String, about: String, _ flavour: Flavour) -> JSONValue {
        guard flavour == .openRouter else {
            return .object([
                .init("id", .string(id)), .init("object", .string("model")), .init("created", .integer(Self.created)),
                .init("owned_by", .string("simulator")),
            ])
        }
        return .object([
            .init("id", .string(id)), .init("name", .string("Simulator: \(id)")),
            .init("created", .integer(Self.created)), .init("description", .string(about)),
            .init("context_length", .integer(128_000)),
            .init(
                "pricing",
                .object([.init("prompt", .string("0.000001")), .init("completion", .string("0.000002"))])
            ),
        ])
    }
}
