import ArgumentParser
import Engine

/// Where an administrative command goes: the running gateway, or the store itself.
struct AdminOptions: ParsableArguments {
    @Option(help: "The gateway's URL; else TURNPIKE_URL, else where the settings say that it listens.")
    var url: String?

    @Option(help: "A file with an administrator's gateway key; else TURNPIKE_KEY, else the first key.")
    var gatewayKeyFile: String?

    @Option(help: "PEM file of the authority trusted for a gateway with a certificate of its own.")
    var caFile: String?

    @Option(help: "The settings file; else TURNPIKE_CONFIG, else turnpike.yaml if there is one.")
    var config: String?

    @Flag(help: "Go to the store itself, also where a gateway runs; it notices within a second.")
    var store = false

    @Flag(help: "Print JSON, as the API answers.")
    var json = false

    /// The same for `GatewayAccess`.
    var gateway: GatewayOptions {
        var options = GatewayOptions()
        options.url = self.url
        options.keyFile = self.gatewayKeyFile
        options.caFile = self.caFile
        options.config = self.config
        return options
    }
}

/// The group that a command is about.
struct GroupOption: ParsableArguments {
    @Option(help: "The group's id.")
    var group = "default"
}

/// Which part of a list to show.
struct PageOptions: ParsableArguments {
    @Option(help: "At most so many, 1 to 200; all if not given.")
    var limit: Int?

    @Option(help: "Where the page before ended.")
    var cursor: String?
}
