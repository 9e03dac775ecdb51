/// What can be told of a model of Gemini by its name.
///
/// Source: the tables of models and of thinking at ai.google.dev/gemini-api/docs.
struct GeminiModel: Equatable {
    /// 1, 2, 3; that of today for names without a number (`gemini-flash-latest`) and for tuned models.
    let major: Int
    let minor: Int
    /// Whether it is one of the large ones, which cannot but think.
    let isPro: Bool
    let isLite: Bool

    init(_ id: String) {
        let name = Array(id.utf8)
        let mark = Array("gemini-".utf8)
        var major = 3
        var minor = 0
        if let start = name.indices.first(where: { name[$0...].starts(with: mark) }) {
            var index = start + mark.count
            if let number = Self.number(name, &index) {
                major = number
                if index < name.count, name[index] == UInt8(ascii: ".") {
                    index += 1
                    minor = Self.number(name, &index) ?? 0
                }
            }
        }
        self.major = major
        self.minor = minor
        self.isPro = id.contains("-pro")
        self.isLite = id.contains("-lite")
    }

    /// How it is told how long to think.
    enum ThinkingForm: Equatable {
        /// Not at all: it does not think.
        case nothing
        /// By a number of tokens in this range; 0 too, for not at all, where `canStop`.
        case budget(ClosedRange<Int>, canStop: Bool)
        /// By one of these words, the lowest first.
        case level([ReasoningLevel])
    }

    var thinking: ThinkingForm {
        if self.major >= 3 {
            // The first large one knew two levels only.
            if self.isPro { return .level(self == Self.firstPro ? [.low, .high] : [.low, .medium, .high]) }
            return .level([.minimal, .low, .medium, .high])
        }
        guard self.major == 2, self.minor >= 5 else { return .nothing }
        if self.isPro { return .budget(128...32_768, canStop: false) }
        return self.isLite ? .budget(512...24_576, canStop: true) : .budget(1...24_576, canStop: true)
    }

    /// Whether it wants its thought signatures back with its tool calls.
    var wantsSignatures: Bool { self.major >= 3 }
    /// Whether the results of tools may hold pictures.
    var takesMediaInResults: Bool { self.major >= 3 }
    /// Whether an answer may have a form while there are tools.
    var takesFormWithTools: Bool { self.major >= 3 }
    /// Whether the arguments can be held to their schema while the model may also just talk.
    var canValidateCalls: Bool { self.major >= 3 }

    private static let firstPro = GeminiModel("gemini-3-pro")

    private static func number(_ name: [UInt8], _ index: inout Int) -> Int? {
        var value: Int?
        while index < name.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(name[index]), value ?? 0 < 1_000 {
            value = (value ?? 0) * 10 + Int(name[index] - UInt8(ascii: "0"))
            index += 1
        }
        return value
    }
}

/// Gemini's words for how much to think.
enum ReasoningLevel: UInt8, Comparable {
    case minimal, low, medium, high

    var label: StaticString {
        switch self {
        case .minimal: "minimal"
        case .low: "low"
        case .medium: "medium"
        case .high: "high"
        }
    }

    static func < (one: ReasoningLevel, other: ReasoningLevel) -> Bool { one.rawValue < other.rawValue }
}
