import Providers

/// Writes `docs/settings.md` from the settings table.
package enum SettingsDocs {
    /// The whole page.
    package static var markdown: String {
        var page = Self.opening
        var section = ""
        for row in SettingsTable.rows where row.availability == .now {
            let next = String(row.path.prefix { $0 != "." })
            let title = row.path.contains(".") ? next : "general"
            if title != section {
                section = title
                page +=
                    "\n## \(title)\n\n\(Self.introduction(title))| Key | Type | Default | What |\n|---|---|---|---|\n"
            }
            page += Self.line(row)
        }
        page += Self.environment
        page += "\n## Not available yet\n\n"
        page +=
            "These keys are checked, but any value other than the default is refused, so that nothing is relied on\n"
        page += "that does nothing.\n\n| Key | Type | Default | What |\n|---|---|---|---|\n"
        for row in SettingsTable.rows where row.availability == .later { page += Self.line(row) }
        return page
    }

    private static func line(_ row: Setting) -> String {
        var notes = row.help.replacing("|", with: "\\|")
        if row.reload == .boot { notes += " *At start only.*" }
        if row.isFileOnly { notes += " *In the file only.*" }
        if row.isSecret { notes += " *Secret.*" }
        if row.isRequired { notes += " *Required.*" }
        for alias in row.aliases { notes += " Also `\(alias.name)`." }
        let standard = row.standard.map { "`\($0)`" } ?? "–"
        return "| `\(row.path)` | \(row.kind.name) | \(standard) | \(notes) |\n"
    }

    private static let opening = """
        # Settings

        <!-- Generated from Engine/Settings/SettingsTable.swift by `turnpike docs --write docs`; do not edit. -->

        Turnpike reads `turnpike.yaml` from the working directory, or the file named by `--config` or `TURNPIKE_CONFIG`.
        No file is needed. A flag beats the environment, and the environment beats the file.

        Every key that is one value is also an environment variable and a flag: `server.listen` is
        `TURNPIKE_SERVER_LISTEN` and `--server-listen`; `providers.local.base_url` is
        `TURNPIKE_PROVIDERS_LOCAL_BASE_URL` and `--providers-local-base-url`. What is true or false may be a flag
        without a value: `--simulator`. An empty variable counts as unset. Lists take commas there.

        All mistakes are reported at once, each with file and line and the nearest known key, and nothing is started.
        `turnpike config check` does the same without starting, and shows where each value came from.

        In values of the file `${NAME}` is the environment variable `NAME`, which must be set; `${NAME:-text}` is `text`
        where it is unset or empty; `$$` is a dollar sign. A variable's value is never expanded again and cannot change
        the structure of the file.

        - **Sizes** are a whole number and a unit: `20MB` is 20,000,000 bytes, `20MiB` is 20 × 1,048,576; `KB`, `KiB`,
          `GB` and `GiB` likewise; a bare number is bytes.
        - **Durations** are a whole number and a unit: `500ms`, `15s`, `2m`, `1h`, `1d`.

        `SIGHUP` or saving the file reloads everything that is not marked *at start only*, whole or not at all: a file
        with a mistake changes nothing, and the log says why. Calls that are under way finish as they began.

        """

    private static func introduction(_ title: String) -> String {
        switch title {
        case "providers":
            """
            `<name>` is any name of letters, digits, `-`, `_` and `.`. The usual providers need no entry: \
            \(KnownProviders.withoutEntry.map { "`\($0.name)`" }.joined(separator: ", ")).


            """
        case "prices":
            """
            `<name>` is a model's name as its provider has it, wherever it is called; or `provider/model`, with the \
            provider's name in these settings; or the beginning of either and a `*`. The longest that fits is taken, \
            whole names before beginnings. What is not named here has the price of the built-in list, which \
            `turnpike price list` shows; what OpenRouter and Perplexity say of their own calls goes before that list. \
            Providers that need no credential, and the simulator, are free unless they are priced here.


            """
        case "models":
            "`<alias>` is what clients ask for. Each alias needs at least one target.\n\n"
        case "bootstrap":
            """
            Groups with their people, gateway keys and provider keys. What the store does not have yet is put into it \
            at each start and reload; what it has is never overwritten, so that a key that was revoked or a credential \
            that was switched off stays so. What was deleted comes back: take it out here too. Where no key is set \
            here and the store has none, the first start makes one for the user `admin` of the group `default`, a \
            system administrator, shows it once and keeps it in `<data_dir>/first-key`; not in production.


            """
        case "auth":
            """
            Besides gateway keys, tokens of these issuers are believed (RFC 7519). Each entry is a `preset` with its \
            `project`, or has `issuer`, `audience` and `jwks_url`. Which group somebody is in says `claims.group` or \
            `group`; the group must exist. People that the store knows have the role that the store says.


            """
        default: ""
        }
    }

    private static var environment: String {
        var page = "\n## Provider keys in the environment\n\n"
        page +=
            "Each becomes a credential of the group `default` alone; no other group ever falls back to it. It is not\n"
        page += "written to the store: a variable that is gone takes its key with it. A credential that the store has\n"
        page += "in use for the same group and provider goes before it. The first\n"
        page +=
            "of them, in this order, makes its provider the default one unless `defaults.provider` says otherwise.\n\n"
        page += "| Variable | Provider |\n|---|---|\n"
        for variable in KnownProviders.keyVariables {
            page += "| `\(variable.name)` | `\(variable.provider)` |\n"
        }
        return page
    }
}
