import Engine

extension SettingsMistakes {
    /// All mistakes and how many they are.
    var summary: String {
        let count = self.all.count == 1 ? "1 mistake" : "\(self.all.count) mistakes"
        return "\(self.description)\nturnpike: \(count) in the settings; nothing was started\n"
    }
}
