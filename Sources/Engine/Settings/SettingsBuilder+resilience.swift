import Core
import Pipeline
import Resilience

extension SettingsBuilder {
    /// Reads what is tried again at a provider, and when its targets are left alone.
    func guardRules(_ path: SettingPath) -> GuardRules {
        let retry = path.child("retry")
        let breaker = path.child("breaker")
        var rules = GuardRules()
        rules.retry = RetryBudget.Rules(
            percent: self.values.integer(retry.child("percent")),
            perSecond: self.values.integer(retry.child("per_second"))
        )
        rules.breaker.isOn = self.values.bool(breaker.child("enabled"))
        rules.breaker.failures = self.values.integer(breaker.child("failures"))
        rules.breaker.percent = self.values.integer(breaker.child("percent"))
        rules.breaker.window = self.values.duration(breaker.child("window"))
        rules.breaker.slowAfter = self.values.optionalDuration(breaker.child("slow"))
        rules.breaker.coolDown = self.values.duration(breaker.child("cooldown"))
        return rules
    }

    /// Reads where an alias sends what its own targets cannot take.
    ///
    /// - Parameter aliases: The names of all aliases.
    mutating func readSpecials(of path: SettingPath, aliases: [String], into alias: inout Settings.Alias) {
        alias.onTooLong = self.special(path.child("on_too_long"), of: alias.name, aliases)
        alias.onContentRefused = self.special(path.child("on_content_refused"), of: alias.name, aliases)
    }

    private mutating func special(_ path: SettingPath, of alias: String, _ aliases: [String]) -> String? {
        guard let name = self.values.optionalText(path) else { return nil }
        if name == alias {
            self.note(path, "is this alias itself")
        } else if !aliases.contains(name) {
            let hint = NearestName.find(name, in: aliases).map { "; did you mean \($0)?" } ?? ""
            self.note(path, "\"\(name)\" is not an alias" + hint)
        }
        return name
    }
}
