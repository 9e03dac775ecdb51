import NIOCore

/// The head of an answer, written as bytes so that it can also be written wrongly.
struct ResponseHead {
    var status: Int
    var reason: String?
    var fields: [(name: String, value: String)] = []

    /// The head in the form that `behaviour` asks for.
    ///
    /// Framing fields must be among `fields` already.
    func bytes(_ behaviour: Behaviour) -> ByteBuffer {
        let end = behaviour.isBareLineFeed ? "\n" : "\r\n"
        var text = self.statusLine(behaviour) + end
        for field in self.fields { text += "\(field.name): \(field.value)\(end)" }
        if behaviour.hasHostileHeaders {
            for line in Self.hostile { text += line + end }
        }
        for line in behaviour.rawHeaders { text += line + end }
        if let size = behaviour.headerBlockBytes { text += Self.block(size, end: end) }
        // With a long line or an endless block to come, the head stays open.
        if behaviour.headerLineBytes == nil, !behaviour.hasEndlessHeaders { text += end }
        return ByteBuffer(string: text)
    }

    func statusLine(_ behaviour: Behaviour) -> String {
        let reason = behaviour.reason ?? self.reason ?? Self.reason(self.status)
        return "HTTP/1.\(behaviour.isHTTP10 ? 0 : 1) \(self.status) \(reason)"
    }

    /// Well-formed fields that no gateway should hand to its client.
    static let hostile = [
        "set-cookie: sim=hostile; Domain=localhost; Path=/",
        "location: http://169.254.169.254/latest/meta-data/",
        "www-authenticate: Basic realm=\"sim\"",
        "proxy-authenticate: Basic realm=\"sim\"",
        "proxy-connection: keep-alive",
        "keep-alive: timeout=1",
        "upgrade: h2c",
        "alt-svc: h3=\"evil.example:443\"",
        "access-control-allow-origin: *",
        "clear-site-data: \"*\"",
        "strict-transport-security: max-age=0",
        "refresh: 0; url=http://evil.example/",
        "x-powered-by: hostile",
    ]

    private static func block(_ size: Int, end: String) -> String {
        var text = ""
        text.reserveCapacity(size)
        var count = 0
        while text.utf8.count < size {
            text += "x-sim-\(count): \(String(repeating: "h", count: 64))\(end)"
            count += 1
        }
        return text
    }

    static func reason(_ status: Int) -> String {
        switch status {
        case 200: return "OK"
        case 201: return "Created"
        case 204: return "No Content"
        case 301: return "Moved Permanently"
        case 302: return "Found"
        case 303: return "See Other"
        case 307: return "Temporary Redirect"
        case 308: return "Permanent Redirect"
        case 400: return "Bad Request"
        case 401: return "Unauthorized"
        case 402: return "Payment Required"
        case 403: return "Forbidden"
        case 404: return "Not Found"
        case 405: return "Method Not Allowed"
        case 408: return "Request Timeout"
        case 409: return "Conflict"
        case 413: return "Payload Too Large"
        case 422: return "Unprocessable Entity"
        case 429: return "Too Many Requests"
        case 500: return "Internal Server Error"
        case 502: return "Bad Gateway"
        case 503: return "Service Unavailable"
        case 504: return "Gateway Timeout"
        case 529: return "Overloaded"
        default: return "Unnamed"
        }
    }
}

/// Dates as HTTP writes them (RFC 9110, section 5.6.7).
enum HTTPDate {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// A moment given in seconds since 1970; earlier ones count as 1970.
    static func text(_ seconds: Int) -> String {
        let time = max(0, seconds)
        let day = time / 86_400
        // Days since 1 March of year 0, in eras of 400 years, so that leap days come last.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(Self.days[day % 7]), \(Self.two(dayOfMonth)) \(Self.months[month - 1]) \(year)"
            + " \(Self.two(time / 3600 % 24)):\(Self.two(time / 60 % 60)):\(Self.two(time % 60)) GMT"
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
