import Core
import Providers

extension SettingsBuilder {
    /// Reads what runs beside an alias's calls.
    ///
    /// - Parameter providers: The names of all providers.
    mutating func readRacing(of path: SettingPath, providers: [String], into alias: inout Settings.Alias) {
        let permille = self.values.integer(path.child("hedge_budget")) * 10
        switch HedgeSwitch(self.values.text(path.child("hedge"))) {
        case .on: alias.hedge = HedgeTerms(permille: permille)
        case .after(let delay): alias.hedge = HedgeTerms(delay: delay, permille: permille)
        case .off, nil:
            if self.values.entries[path.child("hedge_budget")] != nil {
                self.note(path.child("hedge_budget"), "does nothing without hedge")
            }
        }
        alias.shadow = self.shadow(path.child("shadow"), providers: providers)
    }

    private mutating func shadow(_ path: SettingPath, providers: [String]) -> ShadowEntry? {
        guard let target = self.values.optionalText(path.child("target")), let slash = target.firstIndex(of: "/")
        else { return nil }
        let provider = String(target[..<slash])
        self.checkProvider(provider, among: providers, path.child("target"))
        return ShadowEntry(
            provider: provider,
            model: String(target[slash...].dropFirst()),
            percent: self.values.integer(path.child("share")),
            keep: self.values.integer(path.child("keep")),
            dailyBudget: self.values.optionalText(path.child("budget")).flatMap { MicroDollars(dollars: $0) }
        )
    }
}
