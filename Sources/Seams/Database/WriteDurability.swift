/// What a commit outlives.
///
/// Whichever it is, the transaction is whole or not there at all, in the order of the commits: a later commit is never
/// kept where an earlier one is lost.
package enum WriteDurability: Sendable, Hashable {
    /// The loss of power: the commit is on the disk when `write` returns, which costs milliseconds.
    case power
    /// The end of the process, however it ends: the commit is with the operating system when `write` returns.
    ///
    /// If the machine itself goes down, the commits of the last seconds may be lost. A later `.power` commit, a backup,
    /// and closing bring them to the disk too.
    case process
}
