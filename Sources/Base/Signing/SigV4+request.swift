package import Core
package import NIOCore

extension SigV4 {
    /// A request in texts, for calls that are rare.
    package struct Request: Sendable {
        package var method: String
        /// What the `Host` field says.
        package var host: String
        /// As it is sent, without dots and double slashes; for every service but S3 it is encoded once more here.
        package var path: String
        /// Not encoded; send `SigV4.queryText` of them.
        package var query: [(name: String, value: String)]
        /// The fields to be signed, without `host` and those that signing adds; no line ends in them.
        package var fields: [(name: String, value: String)]
        package var body: ByteBuffer

        package init(
            method: String,
            host: String,
            path: String = "/",
            query: [(name: String, value: String)] = [],
            fields: [(name: String, value: String)] = [],
            body: ByteBuffer = ByteBuffer()
        ) {
            self.method = method
            self.host = host
            self.path = path
            self.query = query
            self.fields = fields
            self.body = body
        }
    }

    /// The fields that make `request` a signed one: `x-amz-date`, the session token if there is one, `authorization`.
    ///
    /// - Parameter now: AWS refuses what is more than five minutes off.
    /// - Throws: `SigningError.badKeys` for keys that cannot be, `.badHead` if a field has a line end in it.
    package func fields(
        for request: Request,
        credentials: AWSCredentials,
        now: UnixTime
    ) throws(SigningError) -> [(name: String, value: String)] {
        var head = ByteBuffer(string: "\(request.method) \(request.path.isEmpty ? "/" : request.path)")
        let query = Self.queryText(request.query)
        if !query.isEmpty { head.writeString("?\(query)") }
        head.writeString(" HTTP/1.1\r\nhost: \(request.host)\r\n")
        for field in request.fields { head.writeString("\(field.name): \(field.value)\r\n") }
        let end = head.writerIndex
        let body = BodyDigest(CollectionOfOne(request.body))
        try Self.withBytes(of: credentials) { keys throws(SigningError) in
            _ = try self.sign(&head, from: head.readerIndex, body: body, keys: keys, now: now)
        }
        head.moveReaderIndex(to: end)
        return String(buffer: head).split(separator: "\r\n").map { line in
            let name = line.prefix { $0 != ":" }
            return (String(name), String(line.dropFirst(name.count + 2)))
        }
    }

    /// The query as it is sent and signed, without question mark.
    package static func queryText(_ query: [(name: String, value: String)]) -> String {
        let pairs = query.map { (self.encode($0.name), self.encode($0.value)) }
        let sorted = pairs.sorted { ($0.0, $0.1) < ($1.0, $1.1) }
        return sorted.map { "\($0.0)=\($0.1)" }.joined(separator: "&")
    }

    private static func encode(_ text: String) -> String {
        var buffer = ByteBuffer()
        CanonicalRequest.writeEncoded(text.utf8, keepsSlash: false, into: &buffer)
        return String(buffer: buffer)
    }

    /// Lends the bytes of the keys.
    private static func withBytes(
        of credentials: AWSCredentials,
        _ body: (borrowing AWSKeys) throws(SigningError) -> Void
    ) throws(SigningError) {
        var id = credentials.accessKeyID
        var secret = credentials.secretAccessKey.reveal { $0 }
        var token = credentials.sessionToken?.reveal { $0 } ?? ""
        let hasToken = credentials.sessionToken != nil
        let result: Result<Void, SigningError> = id.withUTF8 { id in
            secret.withUTF8 { secret in
                token.withUTF8 { token in
                    do throws(SigningError) {
                        let keys = try AWSKeys(
                            accessKeyID: UnsafeRawBufferPointer(id),
                            secretAccessKey: UnsafeRawBufferPointer(secret),
                            sessionToken: hasToken ? UnsafeRawBufferPointer(token) : nil
                        )
                        return .success(try body(keys))
                    } catch {
                        return .failure(error)
                    }
                }
            }
        }
        try result.get()
    }
}
