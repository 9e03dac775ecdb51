/// What every model costs: the settings' prices, then the built-in list.
///
/// A value that does not change; new settings make a new book. The price of a call is looked up once for each attempt
/// and kept with it to its end (row 79).
package struct PriceBook: Sendable {
    /// The day of the built-in prices.
    package static let builtInDate = PriceTable.date

    /// Names the prices in it: the built-in list's day and, where the settings add to it, a hash of what they say.
    package let version: String
    /// What becomes of calls whose price nobody knows.
    package let unpriced: UnpricedRule
    /// What the settings say, in their order.
    package let rules: [PriceRule]

    private let exact: [String: ModelFacts]
    /// The longest first.
    private let prefixes: [(start: String, facts: ModelFacts)]

    package init(rules: [PriceRule] = [], unpriced: UnpricedRule = .refuseBudgeted) {
        self.rules = rules
        self.unpriced = unpriced
        self.exact = Dictionary(
            rules.filter { !$0.isPrefix }.map { ($0.name, $0.facts) },
            uniquingKeysWith: { _, last in last }
        )
        self.prefixes = rules.filter(\.isPrefix).map { (String($0.name.dropLast()), $0.facts) }
            .sorted { ($0.start.utf8.count, $1.start) > ($1.start.utf8.count, $0.start) }
        self.version = rules.isEmpty ? Self.builtInDate : "\(Self.builtInDate)+\(Self.hash(rules))"
        // Read now, and not by the first call.
        _ = PriceTable.lists.count
    }

    /// Who takes money for a call, as far as prices depend on it.
    package struct Seller: Sendable {
        /// The provider's name in the settings.
        package var provider: String
        /// The name of its row in the table of providers, such as `openrouter`.
        package var family: String
        /// Whether it is called without a credential, so that nobody can send a bill.
        package var needsNoCredential: Bool

        package init(provider: String, family: String, needsNoCredential: Bool) {
            self.provider = provider
            self.family = family
            self.needsNoCredential = needsNoCredential
        }
    }

    /// What a model costs at a provider, and how much it takes and gives; always something.
    ///
    /// Takes up to some microseconds, for names that are not in the list as they are.
    ///
    /// In this order: the settings' price for `provider/model`, then for the model anywhere, then for the longest
    /// beginning of either; nothing for a provider without credentials and for the simulator; the built-in price, also
    /// for a dated or otherwise adorned name of a model that is in the list; what the provider itself will say, where
    /// it does; `Rates.unpriced`.
    ///
    /// - Parameter model: The provider's name of the model.
    package func facts(for model: String, at seller: Seller) -> ModelFacts {
        if !self.rules.isEmpty, let facts = self.override(model, seller.provider) { return facts }
        if seller.needsNoCredential || seller.family == "simulator" { return ModelFacts(rates: .free) }
        let reports = Self.reporting.contains(seller.family)
        guard let facts = Self.builtIn(model, at: seller) else {
            return ModelFacts(rates: reports ? .reported : .unpriced)
        }
        return reports ? Self.trusting(facts) : facts
    }

    private static func trusting(_ facts: ModelFacts) -> ModelFacts {
        var facts = facts
        facts.rates.takesReportedCost = true
        return facts
    }

    /// Whether a call may be made at these rates.
    ///
    /// - Parameter underHardBudget: Whether a hard budget of money applies to it, which needs a bound of its cost.
    /// - Returns: False if it is to be refused with `MODEL_UNPRICED`.
    package func admits(_ rates: Rates, underHardBudget: Bool) -> Bool {
        if rates.isPriced { return true }
        return switch self.unpriced {
        case .free: true
        case .refuseBudgeted: !underHardBudget
        // What the provider itself says is a price, but no bound.
        case .refuse: rates == .reported && !underHardBudget
        }
    }

    // MARK: Settings

    private func override(_ model: String, _ provider: String) -> ModelFacts? {
        let full = "\(provider)/\(model)"
        if let facts = self.exact[full] ?? self.exact[model] { return facts }
        return self.prefixes.first { full.hasPrefix($0.start) || model.hasPrefix($0.start) }?.facts
    }

    // MARK: The built-in list

    /// Providers that say with each answer what they take for it.
    private static let reporting: Set<String> = ["openrouter", "perplexity"]

    /// OpenRouter names models by who makes them; these are their names in the list.
    private static let makers = [
        "openai": "openai", "anthropic": "anthropic", "google": "gemini", "mistralai": "mistral", "cohere": "cohere",
        "deepseek": "deepseek", "x-ai": "xai", "perplexity": "perplexity", "moonshotai": "moonshot",
    ]

    private static func builtIn(_ model: String, at seller: Seller) -> ModelFacts? {
        if seller.family == "openrouter" { return self.openRouter(model) }
        let list = PriceTable.lists[seller.family] ?? PriceTable.lists[seller.provider]
        guard let list else { return nil }
        return list.models[model] ?? self.plainNames(of: model).lazy.compactMap { list.models[$0] }.first
    }

    /// OpenRouter takes what the makers of the models take; those that nobody sells directly have a price at another
    /// reseller that adds nothing.
    private static func openRouter(_ model: String) -> ModelFacts? {
        if model.hasSuffix(":free") { return ModelFacts(rates: .free) }
        let name = model.prefix { $0 != ":" }
        let parts = name.split(separator: "/", maxSplits: 1)
        if parts.count == 2, let maker = self.makers[String(parts[0])], let list = PriceTable.lists[maker] {
            let plain = String(parts[1])
            let names = [plain] + self.plainNames(of: plain)
            // Anthropic writes 4-5 where others write 4.5.
            let dashed = names.map { String($0.map { $0 == "." ? "-" : $0 }) }
            if let facts = (names + dashed).lazy.compactMap({ list.models[$0] }).first { return facts }
        }
        guard let list = PriceTable.lists["vercel"] else { return nil }
        return ([String(name)] + self.plainNames(of: String(name))).lazy.compactMap { list.models[$0] }.first
    }

    /// The names under which a model may stand in the list, when its own is not there; the likeliest first.
    static func plainNames(of model: String) -> [String] {
        var names: [String] = []
        var plain = model
        // `ft:gpt-4o-mini-2024-07-18:acme::id` is a model that someone has tuned.
        if plain.hasPrefix("ft:") {
            plain = plain.split(separator: ":", maxSplits: 2).prefix(2).joined(separator: ":")
            names.append(plain)
        }
        // Bedrock: one price for all regions but the home one.
        for region in ["apac.", "au.", "jp.", "ca.", "us-gov."] where plain.hasPrefix(region) {
            plain = "us." + plain.dropFirst(region.count)
            names.append(plain)
        }
        if plain.hasSuffix("-latest") {
            plain = String(plain.dropLast("-latest".count))
            names.append(plain)
        } else if let end = self.endBeforeDate(plain) {
            plain = String(plain[..<end])
            names.append(plain)
        }
        names.append(plain + "-latest")
        return names
    }

    /// Where a date at the end of a name begins: `-2024-08-06`, `-20240806`, `@20240806`.
    private static func endBeforeDate(_ name: String) -> String.Index? {
        let utf8 = name.utf8
        for form in ["-dddd-dd-dd", "-dddddddd", "@dddddddd"] where utf8.count > form.utf8.count {
            let start = utf8.index(utf8.endIndex, offsetBy: -form.utf8.count)
            let fits = zip(utf8[start...], form.utf8).allSatisfy { byte, wanted in
                wanted == UInt8(ascii: "d") ? (0x30...0x39).contains(byte) : byte == wanted
            }
            if fits { return start }
        }
        return nil
    }

    // MARK: For people

    /// A model that has a price, for lists of prices.
    package struct Entry: Sendable, Equatable {
        /// The provider; empty where the settings name none.
        package var provider: String
        package var model: String
        package var facts: ModelFacts
        /// Where the price stands: the provider's page, or `settings`.
        package var page: String
    }

    /// All prices: those of the settings in their order, then the built-in ones by name.
    package var entries: [Entry] {
        let own = self.rules.map { Entry(provider: "", model: $0.name, facts: $0.facts, page: "settings") }
        let builtIn = PriceTable.lists.sorted { $0.key < $1.key }.flatMap { provider, list in
            list.models.sorted { $0.key < $1.key }.map { model, facts in
                Entry(provider: provider, model: model, facts: facts, page: list.page)
            }
        }
        return own + builtIn
    }

    // MARK: Version

    /// FNV-1a of all that the settings say, in eight digits; it tells lists apart and protects nothing.
    private static func hash(_ rules: [PriceRule]) -> String {
        var hash: UInt32 = 0x811C_9DC5
        for rule in rules.sorted(by: { $0.name < $1.name }) {
            let text = "\(rule.name) \(rule.rates.text) \(rule.contextMax ?? 0) \(rule.outputMax ?? 0)\n"
            for byte in text.utf8 { hash = (hash ^ UInt32(byte)) &* 0x0100_0193 }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
