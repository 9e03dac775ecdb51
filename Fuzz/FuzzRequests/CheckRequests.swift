import Chat
import Core
import Dialects
import NIOCore

/// The first byte says the client's dialect and the model; the rest is the client's body.
///
/// Whatever a client sends, every provider's request is JSON or refused, and every loss has a place in the body.
func checkRequests(_ input: UnsafeRawBufferPointer) throws {
    guard let first = input.first else { return }
    let client = WireFormat.clients[Int(first) % WireFormat.clients.count]
    let model = models[Int(first) / WireFormat.clients.count % models.count]
    let bytes = UnsafeRawBufferPointer(rebasing: input.dropFirst())
    // What is no JSON never gets here: the road checks it before.
    guard (try? JSONScanner.validate(bytes)) != nil else { return }
    let body = ByteBuffer(bytes: bytes)
    guard let request = try? Codecs.readRequest(body, as: client) else { return }
    for format in WireFormat.allCases {
        guard let (written, losses) = write(request, as: format, for: model) else { continue }
        try require(isJSON(written), "\(format) for \(model): \(String(buffer: written))")
        try require(losses.places.allSatisfy { $0 < bytes.count }, "\(format): losses beyond the body")
        _ = losses.paths(in: body)
        _ = losses.emulatedPaths(in: body)
        try require(write(request, as: format, for: model)?.body == written, "\(format) differs the second time")
        guard WireFormat.clients.contains(format) else { continue }
        let again = try? Codecs.readRequest(written, as: format)
        try require(again != nil, "\(format) cannot read what it wrote: \(String(buffer: written))")
    }
}

/// Names of models that decide what is written.
private let models = [
    "gpt-5", "gpt-4o", "claude-opus-4-7", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-3-5-haiku-latest", "gemini-3-pro", "gemini-2.0-flash",
    "command-a-reasoning-08-2025", "command-r-plus", "amazon.nova-2-lite-v1:0", "us.meta.llama3-3-70b-instruct-v1:0",
]

private func write(
    _ request: ChatRequest,
    as format: WireFormat,
    for model: String
) -> (body: ByteBuffer, losses: Losses)? {
    var losses = Losses()
    var body = ByteBuffer()
    var target = TargetTraits(model: JSONString(model), modelID: model)
    target.outputLimit = model.count % 2 == 0 ? 2_000 : nil
    do throws(RequestUnwritable) {
        try Codecs.writeRequest(request, as: format, for: target, losses: &losses, into: &body)
        return (body, losses)
    } catch {
        return nil
    }
}

private func isJSON(_ body: ByteBuffer) -> Bool {
    body.withUnsafeReadableBytes { (try? JSONScanner.validate($0)) != nil }
}

/// What must hold did not.
private struct Finding: Error { let text: String }

private func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    if !condition { throw Finding(text: text()) }
}
