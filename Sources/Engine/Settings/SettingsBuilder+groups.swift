import Core
import Providers

extension SettingsBuilder {
    /// The groups of `bootstrap:`.
    mutating func groups(providers: [String]) -> [Settings.Group] {
        var groups: [Settings.Group] = []
        var secrets: [String: SettingPath] = [:]
        var people: Set<String> = []
        for index in 0..<self.values.count("bootstrap.groups") {
            let path = SettingPath("bootstrap.groups").element(index)
            let id = GroupID(self.values.text(path.child("id")))
            if groups.contains(where: { $0.id == id }), !id.text.isEmpty {
                self.note(path.child("id"), "the group \(id) is there twice")
            }
            let users = self.users(path.child("users"), seen: &people)
            let group = Settings.Group(
                id: id,
                name: self.values.optionalText(path.child("name")),
                credentials: self.credentials(path.child("credentials"), group: id, providers: providers),
                keys: self.keys(path.child("keys"), users: users, secrets: &secrets),
                users: users
            )
            groups.append(group)
        }
        return groups
    }

    private mutating func credentials(
        _ path: SettingPath,
        group: GroupID,
        providers: [String]
    ) -> [Settings.Credential] {
        var credentials: [Settings.Credential] = []
        for index in 0..<self.values.count(path) {
            let entry = path.element(index)
            let provider = self.values.text(entry.child("provider"))
            self.checkProvider(provider, among: providers, entry.child("provider"))
            if credentials.contains(where: { $0.provider == provider }), !provider.isEmpty {
                self.note(
                    entry.child("provider"),
                    "the group \(group) has a second key for \(provider); one is allowed"
                )
            }
            let key = Secret(self.values.text(entry.child("api_key")))
            credentials.append(Settings.Credential(provider: provider, key: key))
        }
        return credentials
    }

    private mutating func keys(
        _ path: SettingPath,
        users: [Settings.User],
        secrets: inout [String: SettingPath]
    ) -> [Settings.Key] {
        (0..<self.values.count(path)).map { index in
            let entry = path.element(index)
            let secret = self.values.text(entry.child("secret"))
            if !secret.isEmpty, let first = secrets.updateValue(entry, forKey: secret) {
                self.note(entry.child("secret"), "is the same as that of \(first); a key belongs to one group")
            }
            let (user, scopes) = self.owner(entry, among: users)
            return Settings.Key(
                name: self.values.text(entry.child("name")),
                secret: Secret(secret),
                user: user,
                scopes: scopes
            )
        }
    }

    /// Makes the provider keys of the environment credentials of the group `default`, and of no other.
    mutating func addCredentialsFromEnvironment(to settings: inout Settings) {
        for variable in KnownProviders.keyVariables {
            guard let key = self.input.environment[variable.name], !key.isEmpty else { continue }
            guard let provider = settings.provider(variable.provider) else {
                self.warn("\(variable.name) is set but not used: providers.\(variable.provider) needs a base_url")
                continue
            }
            guard provider.auth != .none else { continue }
            guard SettingRule.isProviderKey(key) else {
                self.note(.environment(variable.name), "the value is not a provider key (visible ASCII, no spaces)")
                continue
            }
            var group =
                settings.group(.defaultGroup)
                ?? Settings.Group(id: .defaultGroup, name: nil, credentials: [], keys: [])
            // What the file says of this very group is said on purpose.
            guard !group.credentials.contains(where: { $0.provider == provider.name }) else { continue }
            group.credentials.append(
                Settings.Credential(provider: provider.name, key: Secret(key), variable: variable.name)
            )
            settings.replace(group)
        }
    }
}

extension Settings {
    /// Puts `group` in the place of the one with its id, or at the end.
    package mutating func replace(_ group: Group) {
        if let index = self.groups.firstIndex(where: { $0.id == group.id }) {
            self.groups[index] = group
        } else {
            self.groups.append(group)
        }
    }
}
