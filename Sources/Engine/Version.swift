/// What this build is.
package enum Version {
    /// Semantic version of Turnpike.
    package static let text = "0.1.0"

    /// The Swift language the compiler was at least.
    package static var swift: String {
        #if swift(>=6.4)
            "6.4 or later"
        #elseif swift(>=6.3)
            "6.3"
        #else
            "6.2"
        #endif
    }

    package static var system: String {
        #if os(Linux)
            let system = "linux"
        #else
            let system = "macos"
        #endif
        #if arch(x86_64)
            return system + "/x86_64"
        #elseif arch(arm64)
            return system + "/arm64"
        #else
            return system
        #endif
    }
}
