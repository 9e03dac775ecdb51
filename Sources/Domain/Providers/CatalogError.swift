package import Transport

/// Why providers and routes do not make a catalog.
///
/// Each names the entry that has to be mended.
package enum CatalogError: Error, Sendable, Equatable {
    case duplicateProvider(String)
    case badProviderName(String)
    case missingBaseURL(provider: String)
    case badBaseURL(provider: String, EndpointError)
    case missingAPIVersion(provider: String)
    case badAPIVersion(provider: String)
    /// `nearest` is the configured provider that was probably meant.
    case unknownProvider(String, route: String, nearest: String?)
    case unknownDefaultProvider(String, nearest: String?)
    case duplicateRoute(String)
    case emptyRoute(String)
    case badWeight(route: String)
    case emptyModel(route: String)
    case tooManyTargets(route: String)
    case badConcurrency(route: String)
    case badVariantName(route: String)
    /// A variant of an experiment leads to an alias that is not there.
    case unknownVariantRoute(String, route: String, nearest: String?)
    /// A variant leads to its own alias, or to one that is split itself.
    case nestedSplit(String, route: String)

    /// The failure in words for the operator.
    package var text: String {
        switch self {
        case .duplicateProvider(let name):
            "providers.\(name) is there twice"
        case .badProviderName(let name):
            "providers.\(name): a name has 1 to 64 letters, digits, '-', '_' or '.', and is not 'agent'"
        case .missingBaseURL(let name):
            "providers.\(name) needs a base_url"
        case .badBaseURL(let name, let reason):
            "providers.\(name).base_url \(reason.rawValue)"
        case .missingAPIVersion(let name):
            "providers.\(name) needs an api_version for deployment URLs"
        case .badAPIVersion(let name):
            "providers.\(name).api_version has a character that a version cannot have"
        case .unknownProvider(let name, let route, let nearest):
            "models.\(route) names provider '\(name)', which is not configured" + Self.hint(nearest)
        case .unknownDefaultProvider(let name, let nearest):
            "defaults.provider '\(name)' is not configured" + Self.hint(nearest)
        case .duplicateRoute(let name):
            "models.\(name) is there twice"
        case .emptyRoute(let name):
            "models.\(name) has no targets"
        case .badWeight(let name):
            "models.\(name): a weight is 0 to 1000000, and not all are 0"
        case .emptyModel(let name):
            "models.\(name) has a target without a model"
        case .tooManyTargets(let name):
            "models.\(name) has more than \(Route.targetsMax) targets"
        case .badConcurrency(let name):
            "models.\(name): max_concurrent is at least 1"
        case .badVariantName(let name):
            "models.\(name).split: each variant needs a name of its own"
        case .unknownVariantRoute(let other, let name, let nearest):
            "models.\(name).split leads to '\(other)', which is no alias" + Self.hint(nearest)
        case .nestedSplit(let other, let name):
            "models.\(name).split leads to '\(other)', which is this alias or is split itself"
        }
    }

    private static func hint(_ nearest: String?) -> String {
        nearest.map { "; did you mean '\($0)'?" } ?? ""
    }
}
