/// The field names that the gateway acts on.
///
/// Every other name is `other` and is only ever copied or dropped.
///
/// At most `HTTPFieldNames.countMax` cases, so that a head can keep the set of names it saw in two words.
package enum HTTPFieldName: UInt8, Sendable, CaseIterable {
    case other
    case host, connection, keepAlive, proxyConnection, proxyAuthenticate, proxyAuthorization, te, trailer
    case transferEncoding, upgrade, contentLength, contentType, contentEncoding, contentDisposition, expect
    case authorization, xAPIKey, apiKey, xGoogAPIKey, accept, acceptEncoding, userAgent, origin, cookie
    case setCookie, location, retryAfter, retryAfterMS, xShouldRetry, xRequestID, requestID, traceparent
    case tracestate, idempotencyKey, xForwardedFor, xForwardedProto, xForwardedHost, forwarded, xRealIP
    case lastEventID, turnpikeTimeoutMS, turnpikeCache, turnpikeMetadata, anthropicVersion, anthropicBeta
    case turnpikeSession, turnpikeStrict, turnpikeValidate
    case openAIBeta, openAIOrganization, openAIProject, openAIProcessingMS, date, server, cacheControl
    case vary, wwwAuthenticate, ifNoneMatch, etag, accessControlRequestMethod, accessControlRequestHeaders
    case mcpSessionID

    /// The name in lower case, as it is compared and written.
    ///
    /// Empty for `other`.
    package var text: StaticString {
        switch self {
        case .other: ""
        case .host: "host"
        case .connection: "connection"
        case .keepAlive: "keep-alive"
        case .proxyConnection: "proxy-connection"
        case .proxyAuthenticate: "proxy-authenticate"
        case .proxyAuthorization: "proxy-authorization"
        case .te: "te"
        case .trailer: "trailer"
        case .transferEncoding: "transfer-encoding"
        case .upgrade: "upgrade"
        case .contentLength: "content-length"
        case .contentType: "content-type"
        case .contentEncoding: "content-encoding"
        case .contentDisposition: "content-disposition"
        case .expect: "expect"
        case .authorization: "authorization"
        case .xAPIKey: "x-api-key"
        case .apiKey: "api-key"
        case .xGoogAPIKey: "x-goog-api-key"
        case .accept: "accept"
        case .acceptEncoding: "accept-encoding"
        case .userAgent: "user-agent"
        case .origin: "origin"
        case .cookie: "cookie"
        case .setCookie: "set-cookie"
        case .location: "location"
        case .retryAfter: "retry-after"
        case .retryAfterMS: "retry-after-ms"
        case .xShouldRetry: "x-should-retry"
        case .xRequestID: "x-request-id"
        case .requestID: "request-id"
        case .traceparent: "traceparent"
        case .tracestate: "tracestate"
        case .idempotencyKey: "idempotency-key"
        case .xForwardedFor: "x-forwarded-for"
        case .xForwardedProto: "x-forwarded-proto"
        case .xForwardedHost: "x-forwarded-host"
        case .forwarded: "forwarded"
        case .xRealIP: "x-real-ip"
        case .lastEventID: "last-event-id"
        case .turnpikeTimeoutMS: "x-turnpike-timeout-ms"
        case .turnpikeCache: "x-turnpike-cache"
        case .turnpikeMetadata: "x-turnpike-metadata"
        case .turnpikeSession: "x-turnpike-session"
        case .turnpikeStrict: "x-turnpike-strict"
        case .turnpikeValidate: "x-turnpike-validate"
        case .anthropicVersion: "anthropic-version"
        case .anthropicBeta: "anthropic-beta"
        case .openAIBeta: "openai-beta"
        case .openAIOrganization: "openai-organization"
        case .openAIProject: "openai-project"
        case .openAIProcessingMS: "openai-processing-ms"
        case .date: "date"
        case .server: "server"
        case .cacheControl: "cache-control"
        case .vary: "vary"
        case .wwwAuthenticate: "www-authenticate"
        case .ifNoneMatch: "if-none-match"
        case .etag: "etag"
        case .accessControlRequestMethod: "access-control-request-method"
        case .accessControlRequestHeaders: "access-control-request-headers"
        case .mcpSessionID: "mcp-session-id"
        }
    }

    /// Finds the name in `count` token bytes at `base`, ignoring ASCII case.
    ///
    /// The length picks a handful of candidates; a compare of eight bytes a step does the rest.
    @inline(__always)
    init(_ base: UnsafePointer<UInt8>, _ count: Int) {
        self = count < 13 ? Self.findShort(base, count) : Self.findLong(base, count)
    }

    private static func findShort(_ base: UnsafePointer<UInt8>, _ count: Int) -> Self {
        switch count {
        case 2:
            if ByteClass.equalsIgnoringCase(base, count, "te") { return .te }
        case 4:
            if ByteClass.equalsIgnoringCase(base, count, "host") { return .host }
            if ByteClass.equalsIgnoringCase(base, count, "date") { return .date }
            if ByteClass.equalsIgnoringCase(base, count, "vary") { return .vary }
            if ByteClass.equalsIgnoringCase(base, count, "etag") { return .etag }
        case 6:
            if ByteClass.equalsIgnoringCase(base, count, "expect") { return .expect }
            if ByteClass.equalsIgnoringCase(base, count, "accept") { return .accept }
            if ByteClass.equalsIgnoringCase(base, count, "origin") { return .origin }
            if ByteClass.equalsIgnoringCase(base, count, "cookie") { return .cookie }
            if ByteClass.equalsIgnoringCase(base, count, "server") { return .server }
        case 7:
            if ByteClass.equalsIgnoringCase(base, count, "trailer") { return .trailer }
            if ByteClass.equalsIgnoringCase(base, count, "upgrade") { return .upgrade }
            if ByteClass.equalsIgnoringCase(base, count, "api-key") { return .apiKey }
        case 8:
            if ByteClass.equalsIgnoringCase(base, count, "location") { return .location }
        case 9:
            if ByteClass.equalsIgnoringCase(base, count, "x-api-key") { return .xAPIKey }
            if ByteClass.equalsIgnoringCase(base, count, "forwarded") { return .forwarded }
            if ByteClass.equalsIgnoringCase(base, count, "x-real-ip") { return .xRealIP }
        case 10:
            if ByteClass.equalsIgnoringCase(base, count, "connection") { return .connection }
            if ByteClass.equalsIgnoringCase(base, count, "keep-alive") { return .keepAlive }
            if ByteClass.equalsIgnoringCase(base, count, "user-agent") { return .userAgent }
            if ByteClass.equalsIgnoringCase(base, count, "set-cookie") { return .setCookie }
            if ByteClass.equalsIgnoringCase(base, count, "request-id") { return .requestID }
            if ByteClass.equalsIgnoringCase(base, count, "tracestate") { return .tracestate }
        case 11:
            if ByteClass.equalsIgnoringCase(base, count, "retry-after") { return .retryAfter }
            if ByteClass.equalsIgnoringCase(base, count, "traceparent") { return .traceparent }
            if ByteClass.equalsIgnoringCase(base, count, "openai-beta") { return .openAIBeta }
        case 12:
            if ByteClass.equalsIgnoringCase(base, count, "content-type") { return .contentType }
            if ByteClass.equalsIgnoringCase(base, count, "x-request-id") { return .xRequestID }
        default: break
        }
        return .other
    }

    private static func findLong(_ base: UnsafePointer<UInt8>, _ count: Int) -> Self {
        switch count {
        case 13:
            if ByteClass.equalsIgnoringCase(base, count, "authorization") { return .authorization }
            if ByteClass.equalsIgnoringCase(base, count, "last-event-id") { return .lastEventID }
            if ByteClass.equalsIgnoringCase(base, count, "cache-control") { return .cacheControl }
            if ByteClass.equalsIgnoringCase(base, count, "if-none-match") { return .ifNoneMatch }
        case 14:
            if ByteClass.equalsIgnoringCase(base, count, "content-length") { return .contentLength }
            if ByteClass.equalsIgnoringCase(base, count, "x-goog-api-key") { return .xGoogAPIKey }
            if ByteClass.equalsIgnoringCase(base, count, "retry-after-ms") { return .retryAfterMS }
            if ByteClass.equalsIgnoringCase(base, count, "x-should-retry") { return .xShouldRetry }
            if ByteClass.equalsIgnoringCase(base, count, "anthropic-beta") { return .anthropicBeta }
            if ByteClass.equalsIgnoringCase(base, count, "openai-project") { return .openAIProject }
            if ByteClass.equalsIgnoringCase(base, count, "mcp-session-id") { return .mcpSessionID }
        case 15:
            if ByteClass.equalsIgnoringCase(base, count, "accept-encoding") { return .acceptEncoding }
            if ByteClass.equalsIgnoringCase(base, count, "idempotency-key") { return .idempotencyKey }
            if ByteClass.equalsIgnoringCase(base, count, "x-forwarded-for") { return .xForwardedFor }
        case 16:
            if ByteClass.equalsIgnoringCase(base, count, "proxy-connection") { return .proxyConnection }
            if ByteClass.equalsIgnoringCase(base, count, "content-encoding") { return .contentEncoding }
            if ByteClass.equalsIgnoringCase(base, count, "x-forwarded-host") { return .xForwardedHost }
            if ByteClass.equalsIgnoringCase(base, count, "x-turnpike-cache") { return .turnpikeCache }
            if ByteClass.equalsIgnoringCase(base, count, "www-authenticate") { return .wwwAuthenticate }
        case 17:
            if ByteClass.equalsIgnoringCase(base, count, "x-turnpike-strict") { return .turnpikeStrict }
            if ByteClass.equalsIgnoringCase(base, count, "transfer-encoding") { return .transferEncoding }
            if ByteClass.equalsIgnoringCase(base, count, "x-forwarded-proto") { return .xForwardedProto }
            if ByteClass.equalsIgnoringCase(base, count, "anthropic-version") { return .anthropicVersion }
        case 18:
            if ByteClass.equalsIgnoringCase(base, count, "proxy-authenticate") { return .proxyAuthenticate }
            if ByteClass.equalsIgnoringCase(base, count, "x-turnpike-session") { return .turnpikeSession }
        case 19:
            if ByteClass.equalsIgnoringCase(base, count, "proxy-authorization") { return .proxyAuthorization }
            if ByteClass.equalsIgnoringCase(base, count, "content-disposition") { return .contentDisposition }
            if ByteClass.equalsIgnoringCase(base, count, "x-turnpike-metadata") { return .turnpikeMetadata }
            if ByteClass.equalsIgnoringCase(base, count, "x-turnpike-validate") { return .turnpikeValidate }
            if ByteClass.equalsIgnoringCase(base, count, "openai-organization") { return .openAIOrganization }
        case 20:
            if ByteClass.equalsIgnoringCase(base, count, "openai-processing-ms") { return .openAIProcessingMS }
        case 21:
            if ByteClass.equalsIgnoringCase(base, count, "x-turnpike-timeout-ms") { return .turnpikeTimeoutMS }
        case 29:
            if ByteClass.equalsIgnoringCase(base, count, "access-control-request-method") {
                return .accessControlRequestMethod
            }
        case 30:
            if ByteClass.equalsIgnoringCase(base, count, "access-control-request-headers") {
                return .accessControlRequestHeaders
            }
        default: break
        }
        return .other
    }
}
