internal import Limits
internal import NIOCore
internal import Wire

/// OpenAI's fields about the limits on a call: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`.
enum RateLimitFields {
    /// Appends the lines for what is limited; none where nothing is.
    static func write(_ standing: LimitStanding, into fields: inout ByteBuffer) {
        if let requests = standing.requests {
            fields.writeField("x-ratelimit-limit-requests", decimal: Int(requests.limit))
            fields.writeField("x-ratelimit-remaining-requests", decimal: Int(requests.remaining))
            fields.writeStaticString("x-ratelimit-reset-requests: ")
            Self.write(milliseconds: Int(requests.resetMilliseconds), into: &fields)
        }
        if let tokens = standing.tokens {
            fields.writeField("x-ratelimit-limit-tokens", decimal: Int(tokens.limit))
            fields.writeField("x-ratelimit-remaining-tokens", decimal: Int(tokens.remaining))
            fields.writeStaticString("x-ratelimit-reset-tokens: ")
            Self.write(milliseconds: Int(tokens.resetMilliseconds), into: &fields)
        }
    }

    /// Writes a duration as Go and OpenAI do, `6m0s`, `1.5s`, `120ms`, and ends the line.
    static func write(milliseconds: Int, into fields: inout ByteBuffer) {
        let (seconds, rest) = max(0, milliseconds).quotientAndRemainder(dividingBy: 1000)
        if seconds == 0, rest > 0 {
            fields.writeDecimal(rest)
            fields.writeStaticString("ms\r\n")
            return
        }
        if seconds >= 3600 {
            fields.writeDecimal(seconds / 3600)
            fields.writeStaticString("h")
        }
        if seconds >= 60 {
            fields.writeDecimal(seconds / 60 % 60)
            fields.writeStaticString("m")
        }
        fields.writeDecimal(seconds % 60)
        if rest > 0 {
            fields.writeStaticString(".")
            var digits = rest
            var place = 100
            while digits > 0 {
                fields.writeDecimal(digits / place)
                digits %= place
                place /= 10
            }
        }
        fields.writeStaticString("s\r\n")
    }
}
