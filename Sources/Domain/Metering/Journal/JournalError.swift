internal import Glibc

/// Why the journal did not do what it was asked to.
package enum JournalError: Error, Equatable {
    /// There is no room that is not kept back for the ends of open attempts; try again in a second.
    case full(JournalShortage)
    /// A record of so many bytes does not fit; `JournalFrame.recordBytesMax` is the limit.
    case tooLarge(bytes: Int)
    /// Another process, or another opener in this one, holds the epoch.
    case locked(path: String)
    /// The epoch has a journal already.
    case exists(path: String)
    /// The system refused: which call, on what, and the number it gave.
    case system(call: String, path: String, code: Int32)
    /// An earlier sync failed, so nothing can be promised any more; the process is to stop.
    case failed
    /// Too many wait for the disk already.
    case busy
    /// The journal was closed.
    case closed
    /// A segment was written by a version of this program that this one does not know.
    case unsupportedVersion(path: String, version: UInt16)

    /// What `errno` says, as an error; what means "no room" is `full`.
    static func last(_ call: String, _ path: String) -> JournalError { .code(errno, call, path) }

    static func code(_ code: Int32, _ call: String, _ path: String) -> JournalError {
        switch code {
        case ENOSPC, EDQUOT, EFBIG: .full(.disk)
        default: .system(call: call, path: path, code: code)
        }
    }
}

extension JournalError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full(.disk): "the journal has no room: the disk is full"
        case .full(.cap): "the journal has no room: it is as large as it may be"
        case .full(.late): "the journal has no room yet: its next segment is being made"
        case .tooLarge(let bytes): "a journal record of \(bytes) bytes is too large"
        case .locked(let path): "\(path): another process uses this journal"
        case .exists(let path): "\(path): there is a journal already"
        case .system(let call, let path, let code): "\(path): \(call): \(String(cString: strerror(code)))"
        case .failed: "the journal could not be written to the disk"
        case .busy: "too many calls wait for the journal"
        case .closed: "the journal is closed"
        case .unsupportedVersion(let path, let version):
            "\(path): the journal has format version \(version), which a newer Turnpike wrote"
        }
    }
}

/// Why there is no next segment.
package enum JournalShortage: UInt8, Sendable {
    /// It is being made; the journal is written faster than that.
    case late = 0
    /// The disk, a quota or a limit of the process leaves no room for it.
    case disk = 1
    /// It would be more than `JournalOptions.bytesMax`: what was written has not been folded away.
    case cap = 2
}
