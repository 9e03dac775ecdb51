package import Core
package import Logging
internal import NIOCore

/// swift-log as JSON lines, for everything but calls: `{"ts":…,"level":…,"msg":…,"label":…,<metadata>}`.
package struct JSONLogHandler: LogHandler {
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    private let label: String
    private let writer: LineWriter
    private let now: @Sendable () -> UnixTime

    /// - Parameter now: The wall clock.
    package init(
        label: String,
        level: Logger.Level,
        writer: LineWriter,
        now: @escaping @Sendable () -> UnixTime
    ) {
        self.label = label
        self.logLevel = level
        self.writer = writer
        self.now = now
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var line = ByteBuffer()
        line.writeStaticString("{\"ts\":\"")
        self.now().writeRFC3339(into: &line)
        line.writeStaticString("\",\"level\":\"")
        line.writeString(event.level.rawValue)
        line.writeStaticString("\",\"msg\":")
        appendJSONString(event.message.description, into: &line)
        line.writeStaticString(",\"label\":")
        appendJSONString(self.label, into: &line)
        var facts = self.metadata
        if let provided = self.metadataProvider?.get() { facts.merge(provided) { $1 } }
        if let own = event.metadata { facts.merge(own) { $1 } }
        for (key, value) in facts.sorted(by: { $0.key < $1.key }) {
            line.writeStaticString(",")
            appendJSONString(key, into: &line)
            line.writeStaticString(":")
            appendJSONString(value.description, into: &line)
        }
        line.writeStaticString("}\n")
        self.writer.write(line)
    }
}
