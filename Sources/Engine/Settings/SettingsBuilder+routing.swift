import Core
import Providers

extension SettingsBuilder {
    /// Reads how an alias chooses among its targets, besides its strategy.
    ///
    /// - Parameter aliases: The names of all aliases.
    mutating func readRouting(of path: SettingPath, aliases: [String], into alias: inout Settings.Alias) {
        alias.slowStart = self.values.duration(path.child("slow_start"))
        alias.sticky = self.values.optionalText(path.child("sticky")).flatMap(Stickiness.init(rawValue:))
        if alias.sticky != nil, !alias.strategy.canStick {
            self.note(
                path.child("sticky"),
                "cannot go with strategy \(alias.strategy.rawValue), whose order is fixed (weighted, round_robin, "
                    + "least_latency and least_busy can)"
            )
        }
        let split = path.child("split")
        let count = self.values.count(split.child("variants"))
        if count > 0 {
            alias.split = self.split(split, count: count, of: alias.name, aliases: aliases)
        } else if self.values.entries[split.child("by")] != nil {
            self.note(split, "needs variants")
        }
    }

    /// Names that the ledger has for attempts beside a call.
    private static let keptNames = ["hedge", "shadow"]

    private mutating func split(_ path: SettingPath, count: Int, of alias: String, aliases: [String]) -> Split {
        let list = path.child("variants")
        var split = Split(
            stickiness: Stickiness(rawValue: self.values.text(path.child("by"))),
            variants: []
        )
        for index in 0..<count {
            let place = list.element(index)
            let variant = Split.Variant(
                name: self.values.text(place.child("name")),
                weight: self.values.integer(place.child("weight")),
                route: self.values.optionalText(place.child("model"))
            )
            if split.variants.contains(where: { $0.name == variant.name }), !variant.name.isEmpty {
                self.note(place.child("name"), "\"\(variant.name)\" is there twice")
            }
            if Self.keptNames.contains(variant.name) {
                self.note(place.child("name"), "is a name that Turnpike keeps for itself")
            }
            if let route = variant.route { self.check(route, place.child("model"), of: alias, aliases) }
            split.variants.append(variant)
        }
        if split.variants.allSatisfy({ $0.weight == 0 }) { self.note(list, "not all weights can be 0") }
        return split
    }

    private mutating func check(_ route: String, _ path: SettingPath, of alias: String, _ aliases: [String]) {
        guard aliases.contains(route) else {
            let hint = NearestName.find(route, in: aliases).map { "; did you mean \($0)?" } ?? ""
            return self.note(path, "\"\(route)\" is not an alias" + hint)
        }
        if route == alias {
            self.note(path, "is this alias itself: leave it out, and the variant has this alias's own targets")
        } else if self.values.count(SettingPath(["models", route]).child("split").child("variants")) > 0 {
            self.note(path, "\"\(route)\" is split itself")
        }
    }
}
