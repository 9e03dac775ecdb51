// swift-tools-version: 6.2
import PackageDescription

// The modules, from the bottom up. An arrow may only point to a row above; TidyTests checks the imports
// against this table and ARCHITECTURE.md tells what each module is for.

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
]
let sockets: [Target.Dependency] = [
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "NIOTLS", package: "swift-nio"),
]
let http1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let embedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let signals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yaml = Target.Dependency.product(name: "Yams", package: "Yams")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")

var targets: [Target] = [
    // Base: values and vocabulary, no I/O
    module("Core", in: "Base", nio),
    module("Wire", in: "Base", ["Core"] + nio),
    module("Chat", in: "Base", ["Core", "Wire"] + nio),
    module("Signing", in: "Base", ["Core", crypto] + nio),

    // Seams: what can be swapped
    module("Transport", in: "Seams", ["Core", "Wire"] + nio),
    module("Database", in: "Seams", ["Core"] + nio),
    module("EventBus", in: "Seams", ["Core"] + nio),

    // C libraries of the system
    .systemLibrary(
        name: "CSodium",
        path: "Sources/CSodium",
        pkgConfig: "libsodium",
        providers: [.apt(["libsodium-dev"])]
    ),

    // Net: the only code that touches sockets
    module("Net", ["Core", "Wire", "Transport", deque, logging] + nio + sockets),

    // Domain: one folder per subject, none imports another
    module("Providers", in: "Domain", ["Core", "Wire", "Chat", "Signing", "Transport"] + nio),
    module("Dialects", in: "Domain", ["Core", "Wire", "Chat"] + nio),
    module("Agents", in: "Domain", ["Core", "Database"] + nio),
    module("Conversations", in: "Domain", ["Core", "Chat", "Database"] + nio),
    module("Tools", in: "Domain", ["Core", "Wire", "Transport", "Database", crypto] + nio),
    module("Tasks", in: "Domain", ["Core", "Database"] + nio),
    module("Auth", in: "Domain", ["Core", "Transport", "Database", crypto, jwt] + nio),
    module("Vault", in: "Domain", ["Core", "Database", "CSodium"] + nio),
    module("Audit", in: "Domain", ["Core", "Database", crypto] + nio),
    module("Limits", in: "Domain", ["Core", "Chat"] + nio),
    module("Resilience", in: "Domain", ["Core"] + nio),
    module("Metering", in: "Domain", ["Core", "Chat", "Database", "EventBus", "CSodium"] + nio),
    module("Telemetry", in: "Domain", ["Core", "Wire", logging] + nio),

    // Drivers: one folder for each outside technology
    module("SQLite", in: "Drivers", ["Core", "Database", grdb, sqlite] + nio),
    module("KeyManagement", in: "Drivers", ["Core", "Wire", "Signing", "Transport"] + nio),
    module("Programs", in: "Drivers", ["Core", "Transport", subprocess, systemPackage] + nio),

    // The road of a call, and what stands around it
    module(
        "Pipeline",
        [
            "Core", "Wire", "Chat", "Signing", "Transport", "Database", "Providers", "Dialects", "Conversations",
            "Agents", "Tools", "Auth",
            "Limits", "Metering", "Resilience", "Telemetry", logging,
        ] + nio
    ),
    module(
        "Operations",
        [
            "Core", "Transport", "Database", "Providers", "Agents", "Conversations", "Auth", "Vault", "Audit",
            "Metering", "Resilience", "Tasks", "Tools", logging,
        ] + nio
    ),
    module(
        "HTTP",
        [
            "Core", "Wire", "Chat", "Transport", "Database", "Providers", "Conversations", "Agents", "Auth", "Vault",
            "Audit", "Limits", "Metering", "Resilience", "Telemetry", "Tools", "Pipeline", "Operations",
            logging,
        ] + nio
    ),
    module("Simulator", nio + sockets + [http1, crypto]),

    // The gateway without its front door, for the program and the library
    module(
        "Engine",
        [
            "Core", "Wire", "Chat", "Signing", "Transport", "Database", "EventBus", "Net", "Providers", "Conversations",
            "Agents", "Auth", "Vault", "Audit", "Limits", "Metering", "Resilience", "Telemetry", "SQLite",
            "KeyManagement", "Tools", "Pipeline", "Operations", logging, yaml, crypto,
        ] + nio
    ),

    // The libraries
    library("TurnpikeAPI", in: "ClientAPI", ["Core"] + nio),
    library(
        "TurnpikeClient",
        in: "Client",
        [
            "TurnpikeAPI", "Engine", "Core", "Wire", "Chat", "Transport", "Database", "Net", "Providers", "Auth",
            "Vault",
            "Metering", "Telemetry", "Pipeline", logging,
        ] + nio
    ),
    library("TurnpikeRemote", in: "Remote", ["TurnpikeAPI", "Core", "Wire", "Transport", "Net"] + nio),

    .executableTarget(
        name: "turnpike",
        dependencies: [
            "Core", "Wire", "Chat", "Signing", "Transport", "Database", "EventBus", "Net", "Providers", "Dialects",
            "Conversations", "Agents", "Auth", "Vault", "Audit", "Limits", "Metering", "Resilience", "Telemetry",
            "SQLite", "KeyManagement", "Tools", "Programs",
            "Pipeline", "Operations", "HTTP", "Simulator", "Engine", logging, arguments, signals, yaml, crypto,
        ] + nio + sockets,
        path: "Sources/App",
        swiftSettings: strict()
    ),

    module("TestKit", ["Core", "Wire", "Transport", "Net", "Simulator"] + nio + sockets),

    tests("CoreTests", ["Core"] + nio),
    tests("WireTests", ["Core", "Wire", "TestKit", http1, embedded] + nio),
    tests("NetTests", ["Core", "Wire", "Transport", "Net", "TestKit"] + nio + sockets),
    tests("SigningTests", ["Core", "Signing", "TestKit"] + nio),
    tests("ProvidersTests", ["Core", "Wire", "Chat", "Signing", "Transport", "Providers"] + nio),
    tests("DialectsTests", ["Core", "Wire", "Chat", "Dialects", "TestKit"] + nio),
    tests("AgentsTests", ["Core", "Database", "Agents", "SQLite"] + nio),
    tests("ConversationsTests", ["Core", "Chat", "Database", "Conversations", "SQLite", "TestKit"] + nio),
    tests(
        "AuthTests",
        ["Core", "Wire", "Transport", "Database", "Auth", "SQLite", "Net", "TestKit", jwt, crypto] + nio
    ),
    tests("DatabaseTests", ["Core", "Database", "SQLite", "TestKit"] + nio),
    tests("ProgramsTests", ["Core", "Transport", "Tools", "Programs"] + nio),
    tests("ToolsTests", ["Core", "Wire", "Transport", "Database", "SQLite", "Net", "Tools", "TestKit"] + nio),
    tests("VaultTests", ["Core", "Database", "Vault", "Audit", "SQLite", "CSodium", "TestKit", crypto] + nio),
    tests(
        "KeyManagementTests",
        ["Core", "Wire", "Signing", "Transport", "Net", "Auth", "KeyManagement", "TestKit"] + nio + sockets
    ),
    tests(
        "OperationsTests",
        [
            "Core", "Transport", "Database", "Providers", "Agents", "Conversations", "Auth", "Vault", "Audit",
            "Metering", "Resilience", "SQLite", "Tools", "Operations",
        ] + nio
    ),
    tests("LimitsTests", ["Core", "Chat", "Limits", "TestKit"] + nio),
    tests("ResilienceTests", ["Core", "Resilience"] + nio),
    tests(
        "MeteringTests",
        ["Core", "Chat", "Database", "EventBus", "Metering", "SQLite", "CSodium", "TestKit"] + nio
    ),
    tests("TelemetryTests", ["Core", "Telemetry", logging] + nio),
    tests(
        "RoadTests",
        [
            "Core", "Wire", "Chat", "Transport", "Database", "SQLite", "Providers", "Conversations", "Agents", "Tools",
            "Auth", "Vault", "Audit", "Limits", "Metering", "Resilience", "Telemetry", "Operations", "Pipeline", "HTTP",
            "TestKit", logging, embedded,
        ] + nio
    ),
    tests("SimulatorTests", ["Simulator", http1, crypto] + nio + sockets),
    tests(
        "AppTests",
        [
            "turnpike", "Engine", "Core", "Wire", "Providers", "Agents", "Auth", "Database", "SQLite", "Vault", "Audit",
            "Limits",
            "Metering", "Pipeline", "Resilience", "Telemetry", "Tools", "Transport", "TestKit", logging,
        ] + nio
    ),
    tests(
        "ScenarioTests",
        [
            "turnpike", "Core", "Wire", "Chat", "Transport", "Database", "SQLite", "Net", "Providers", "Auth",
            "Limits", "Metering", "Resilience", "Telemetry", "Pipeline", "HTTP", "Simulator", "TestKit", logging,
        ] + nio + sockets
    ),
    tests(
        "ClientTests",
        [
            "TurnpikeClient", "TurnpikeRemote", "Engine", "Core", "Wire", "Chat", "Database", "SQLite", "Metering",
            "Net", "Pipeline", "Telemetry", "HTTP", "Simulator", "TestKit", logging, http1,
        ] + nio + sockets
    ),
    tests("TidyTests", []),
]

// Fuzzers need clang's runtime and a main of their own, so they are there only when asked for.
if Context.environment["TURNPIKE_FUZZ"] != nil {
    let codecs = ["FuzzHTTPHead", "FuzzChunked", "FuzzSSE", "FuzzEventStream", "FuzzJSON", "FuzzMultipart"]
    let dialects = ["FuzzRequests", "FuzzAnswers"]
    targets.append(.target(name: "Fuzzing", path: "Fuzz/Driver", swiftSettings: strict()))
    for name in codecs + dialects {
        targets.append(
            .executableTarget(
                name: name,
                dependencies: ["Fuzzing", "Core", "Wire"] + (dialects.contains(name) ? ["Chat", "Dialects"] : []) + nio,
                path: "Fuzz/\(name)",
                swiftSettings: strict() + [.unsafeFlags(["-sanitize=fuzzer,address", "-parse-as-library"])],
                linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])]
            )
        )
    }
}

// What `make bench` measures without a socket.
if Context.environment["TURNPIKE_BENCH"] != nil {
    targets.append(
        .executableTarget(
            name: "MeteringBench",
            dependencies: ["Core", "Chat", "Database", "Metering", "SQLite"] + nio,
            path: "Benchmarks/Metering",
            swiftSettings: strict()
        )
    )
}

let package = Package(
    name: "turnpike",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "turnpike", targets: ["turnpike"]),
        .library(name: "TurnpikeClient", targets: ["TurnpikeClient"]),
        .library(name: "TurnpikeRemote", targets: ["TurnpikeRemote"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: targets,
    swiftLanguageModes: [.v6]
)

// MARK: - What every module is built with (docs/adr/0006-language-flags.md)

func strict() -> [SwiftSetting] {
    // Who depends on a version of this package may have other compilers, and no flags that SwiftPM calls unsafe.
    let isDependency = Context.packageDirectory.contains("/checkouts/")
    let warnings: [SwiftSetting] = isDependency ? [] : [.treatAllWarnings(as: .error)]
    let sendable: [SwiftSetting] = isDependency ? [] : [.unsafeFlags(["-require-explicit-sendable"])]
    return warnings + [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    ] + sendable
}

func module(_ name: String, in folder: String = "", _ dependencies: [Target.Dependency]) -> Target {
    .target(
        name: name,
        dependencies: dependencies,
        path: folder.isEmpty ? "Sources/\(name)" : "Sources/\(folder)/\(name)",
        swiftSettings: strict()
    )
}

func library(_ name: String, in folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(folder)", swiftSettings: strict())
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(
        name: name,
        dependencies: dependencies,
        path: "Tests/\(name)",
        swiftSettings: strict()
    )
}
