import ArgumentParser
import Core
import Database
import Engine
import Metering

/// `turnpike usage verify`.
struct UsageVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract:
            "Check every row of the ledger, its chain, each cost and all sums; exits with 1 if anything is wrong.",
        discussion: """
            Reads the store on this machine, whether a gateway runs or not. Prints the ledger's end: write it down \
            elsewhere and give it back later with --head, and it proves that no row before it was changed since, even \
            by somebody who could write the whole store.
            """
    )

    @Option(help: "An end that was noted earlier; the ledger must still contain it.")
    var head: String?

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let known = try self.head.map { text in
            guard let head = LedgerHead(text: text) else {
                throw CommandFailure("--head must be an end that usage verify printed", isMisuse: true)
            }
            return head
        }
        let progress = ProgressBar(isShown: !self.options.json)
        let verdict = try await LocalStore.with(try LocalStore.settings(config: self.options.config)) { store in
            try await store.database.read { session in
                try LedgerStore().verify(against: known, in: session) { done, total in
                    progress.show(Int(clamping: done), of: Int(clamping: total))
                }
            }
        }
        progress.finish()
        self.show(verdict)
        guard verdict.isSound else { throw CommandFailure("") }
    }

    private func show(_ verdict: LedgerVerdict) {
        if self.options.json {
            let faults = verdict.faults.map { fault -> JSONValue in
                [
                    "kind": .string(fault.kind.rawValue),
                    "seq": fault.seq.map { .integer($0) } ?? .null,
                    "reason": .string(fault.reason),
                ]
            }
            let answer: JSONValue = [
                "ok": .bool(verdict.isSound),
                "rows": .integer(verdict.rows),
                "head": verdict.head.map { .string($0.text) } ?? .null,
                "costUsd": .number(verdict.cost.dollars),
                "chargedUsd": .number(verdict.charged.dollars),
                "faultCount": .integer(Int64(verdict.faultCount)),
                "faults": .array(faults),
            ]
            Terminal.output.line(answer.text)
            return
        }
        for fault in verdict.faults { Terminal.output.line(Terminal.printable("BAD  \(fault)")) }
        let more = verdict.faultCount - verdict.faults.count
        if more > 0 { Terminal.output.line("and \(more) more") }
        if verdict.isSound {
            Terminal.output.line(
                "\(verdict.rows) rows, all as they were written; cost \(verdict.cost), charged \(verdict.charged)"
            )
            if let head = verdict.head { Terminal.output.line("end: \(head.text)") }
        } else {
            Terminal.output.line("\(verdict.faultCount) faults in \(verdict.rows) rows")
        }
    }
}
