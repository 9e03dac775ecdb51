import Engine
import HTTP
import Operations
import Telemetry
import Tools

extension ToolAssembly {
    /// What clients of MCP are served at `/mcp/…`.
    static func fronts(_ store: Store) -> [String: MCPFront] {
        [TaskTools.name: MCPFront(MCPServer(Self.tasks(store)))]
    }
}

extension Gauges {
    /// What calls of tools came to, by server.
    static func tools(_ tools: ToolServers) -> [Gauge] {
        func byServer(
            _ name: String,
            _ help: String,
            type: MetricType = .counter,
            _ value: @escaping @Sendable (ToolServerFigures) -> Double
        ) -> Gauge {
            Gauge(name: name, help: help, type: type) {
                tools.figures.map { Gauge.Sample([("server", $0.server)], value($0.figures)) }
            }
        }
        return [
            byServer("turnpike_tool_calls_total", "Calls of tools.") { Double($0.calls) },
            byServer("turnpike_tool_seconds_total", "How long all calls of tools took together.") { $0.seconds },
            byServer("turnpike_tool_calls_running", "Calls of tools that are under way.", type: .gauge) {
                Double($0.running)
            },
            Gauge(name: "turnpike_tool_errors_total", help: "Calls of tools that came to nothing.", type: .counter) {
                tools.figures.flatMap { server in
                    server.figures.errors.sorted { $0.key < $1.key }.map { error in
                        Gauge.Sample([("server", server.server), ("error", error.key)], Double(error.value))
                    }
                }
            },
        ]
    }
}
