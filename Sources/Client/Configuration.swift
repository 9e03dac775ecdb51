internal import Engine
public import Logging

extension AIClients {
    /// Where the settings of the clients come from.
    ///
    /// They are the gateway's own settings, `docs/settings.md`, and of the server's only the numbers matter. Nothing is
    /// read that is not named here: no file in the current folder, and no variable of the process's environment.
    public struct Configuration: Sendable {
        /// The file of settings; nil: there is none.
        public var file: String?
        /// The settings as text, in the place of a file.
        public var yaml: String?
        /// Settings that go before those of the file, by their paths: `["data_dir": "/var/lib/app"]`.
        public var settings: [String: String]
        /// What `${NAME}` in the settings means, and provider keys by their usual names for the group `default`.
        public var environment: [String: String]
        /// Where the gateway's own log lines go.
        public var logger: Logger
        /// Whether core dumps and debuggers are kept away from this process, for the keys in its memory.
        public var hardensProcess: Bool

        /// Nothing but what is given here.
        public init(
            file: String? = nil,
            yaml: String? = nil,
            settings: [String: String] = [:],
            environment: [String: String] = [:],
            logger: Logger = Logger(label: "turnpike"),
            hardensProcess: Bool = true
        ) {
            self.file = file
            self.yaml = yaml
            self.settings = settings
            self.environment = environment
            self.logger = logger
            self.hardensProcess = hardensProcess
        }

        func load() throws -> Settings {
            let flags = self.settings.sorted { $0.key < $1.key }.map { path, value in
                "--" + path.map { $0 == "." || $0 == "_" ? "-" : String($0) }.joined() + "=" + value
            }
            let (file, yaml) = (self.file, self.yaml)
            // A file that is named has to be there.
            let path = file ?? (yaml == nil ? nil : "settings")
            let input = SettingsInput(flags: flags, configPath: path, environment: self.environment) { path in
                if let yaml { return yaml }
                return file == nil ? nil : try SettingsSource.read(path)
            }
            do {
                return try Settings.load(input).settings
            } catch {
                throw AIConfigurationError(error.description)
            }
        }
    }
}
