import Wire

extension HTTPLimits {
    /// What an upstream may send: heads up to 64 KiB and 200 fields, since some providers add many.
    static let upstream = HTTPLimits(headBytesMax: 64 << 10, fieldCountMax: 200)
}
