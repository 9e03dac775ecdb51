import Core
package import Metering

extension Settings {
    /// What every model costs by these settings.
    package var priceBook: PriceBook { PriceBook(rules: self.prices, unpriced: self.unpriced) }
}

extension SettingsBuilder {
    /// `ledger.unpriced`.
    func unpriced() -> UnpricedRule {
        UnpricedRule(rawValue: self.values.text("ledger.unpriced")) ?? .refuseBudgeted
    }

    /// The entries of `prices:`.
    mutating func prices() -> [PriceRule] {
        self.values.names(under: "prices").map { name in
            let path = SettingPath(["prices", name])
            if name.dropLast().contains("*") { self.note(path, "may have a * only at its end") }
            if self.values.optionalText(path) != nil { return PriceRule(name: name, rates: .free) }
            let (input, output) = (self.price(path, "input"), self.price(path, "output"))
            let (image, request) = (self.price(path, "image"), self.price(path, "request"))
            let (characters, minute) = (self.price(path, "characters"), self.price(path, "minute"))
            let searches = self.price(path, "searches")
            let units = [image, request, characters, minute, searches]
            if (input == nil) != (output == nil) {
                self.note(path, "needs \(input == nil ? "input" : "output") too; 0 if that costs nothing")
            } else if input == nil, units.allSatisfy({ $0 == nil }) {
                self.note(path, "says no price: give it input and output, or write free")
            }
            let rates = Rates(
                input: input ?? 0,
                output: output ?? 0,
                cachedInput: self.price(path, "cached_input"),
                cacheWrite: self.price(path, "cache_write"),
                cacheWriteLong: self.price(path, "cache_write_1h"),
                reasoning: self.price(path, "reasoning"),
                audioInput: self.price(path, "audio_input"),
                audioOutput: self.price(path, "audio_output"),
                image: image ?? 0,
                request: request ?? 0,
                characters: characters ?? 0,
                minute: minute ?? 0,
                searches: searches ?? 0,
                source: "settings"
            )
            return PriceRule(
                name: name,
                rates: rates,
                contextMax: self.values.optionalInteger(path.child("context")),
                outputMax: self.values.optionalInteger(path.child("max_output"))
            )
        }
    }

    private func price(_ path: SettingPath, _ key: String) -> Int64? {
        self.values.optionalText(path.child(key)).flatMap { MicroDollars(dollars: $0)?.value }
    }
}
