// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "chat",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "turnpike", path: "../..")],
    targets: [
        .executableTarget(
            name: "chat",
            dependencies: [
                .product(name: "TurnpikeClient", package: "turnpike"),
                .product(name: "TurnpikeRemote", package: "turnpike"),
            ],
            path: "Sources/Chat"
        )
    ],
    swiftLanguageModes: [.v6]
)
