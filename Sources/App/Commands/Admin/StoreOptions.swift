import ArgumentParser
import Engine

/// For commands that work on the store itself, whether a gateway runs or not.
struct StoreOptions: ParsableArguments {
    @Option(help: "The settings file; else TURNPIKE_CONFIG, else turnpike.yaml if there is one.")
    var config: String?

    @Flag(help: "Print one JSON object.")
    var json = false
}
