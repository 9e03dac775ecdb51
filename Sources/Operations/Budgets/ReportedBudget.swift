internal import Auth
package import Core
internal import Database
package import Metering

/// A budget as it is given out: what it is, and how it stands.
package struct ReportedBudget: Sendable {
    /// Where a budget is written down, which is where it is changed.
    package enum Source: Sendable {
        /// The settings file, under `budgets`.
        case settings
        /// The store, by way of the API.
        case store(Budget)
    }

    /// One of those that a budget counts each by itself.
    package struct Subject: Sendable, Equatable {
        package let subject: Scope.Subject
        package let spent: Int64
        package let reserved: Int64
        package let remaining: Int64
    }

    /// How a budget stands.
    package struct Account: Sendable, Equatable {
        package let windowStart: UnixTime
        /// Nil if it never renews.
        package let renewsAt: UnixTime?
        /// Of all its subjects together.
        package let spent: Int64
        package let reserved: Int64
        /// What is left at least: of the subject that has the least left.
        package let remaining: Int64
        /// Of a budget that counts several by themselves: who spent most comes first, at most `subjectsMax`.
        package let subjects: [Subject]
        /// How many there are.
        package let subjectCount: Int
    }

    /// The most subjects that are told one by one.
    package static let subjectsMax = 100

    package let id: String
    /// The group that it belongs to; nil for one of the whole gateway.
    package let group: GroupID?
    package let rule: BudgetRule
    package let source: Source
    package let account: Account

    /// The words for where budgets come from.
    package enum SourceName: String, Sendable, CaseIterable { case settings, api }
}

/// A budget of the file or of the store, before its standing is known.
struct ListedBudget: Sendable {
    /// How ids of those in the file begin; the name follows.
    static let settingsPrefix = "settings:"

    let id: String
    let group: GroupID?
    let rule: BudgetRule
    let source: ReportedBudget.Source

    init(_ budget: Budget) {
        self.id = budget.id
        self.group = budget.group
        self.rule = budget.rule
        self.source = .store(budget)
    }

    /// One of the settings file: about one group, it is seen by that group.
    init(settings rule: BudgetRule) {
        self.id = Self.settingsPrefix + rule.name
        self.group = if case .one(let name) = rule.scope[.group] { GroupID(name) } else { nil }
        self.rule = rule
        self.source = .settings
    }

    /// Its place in lists: those of the file stand first.
    var position: PageRequest.Position {
        switch self.source {
        case .settings: PageRequest.Position(createdAt: UnixTime(milliseconds: 0), id: self.id)
        case .store(let budget): PageRequest.Position(createdAt: budget.createdAt, id: budget.id)
        }
    }
}

/// How budgets stand, to be asked by budget.
///
/// By what they count, not by their names: budgets that count the same share it, and one that was just made or changed
/// is found if another counted the same before.
struct BudgetBoard: Sendable {
    private var lines: [BudgetLine: [Scope.Subject: BudgetBook.Standing]] = [:]

    init(_ standings: [BudgetBook.Standing]) { self.add(standings) }

    mutating func add(_ standings: [BudgetBook.Standing]) {
        for standing in standings { self.lines[standing.rule.line, default: [:]][standing.subject] = standing }
    }

    func knows(_ rule: BudgetRule) -> Bool { self.lines[rule.line] != nil }

    /// - Parameter viewer: The group that is told nothing of others; nil for all.
    func account(of rule: BudgetRule, for viewer: GroupID?, now: UnixTime) -> ReportedBudget.Account {
        let isPerGroup = rule.scope[.group] == .each
        let standings = (self.lines[rule.line] ?? [:]).values.filter { standing in
            viewer == nil || !isPerGroup || standing.subject[.group] == viewer?.text
        }
        let subjects = standings.map { standing in
            ReportedBudget.Subject(
                subject: standing.subject,
                spent: standing.spent,
                reserved: standing.reserved,
                remaining: Self.rest(of: rule.limit, standing.spent, standing.reserved)
            )
        }.sorted { left, right in
            (right.spent, left.subject.values.joined(separator: "\n")) < (
                left.spent, right.subject.values.joined(separator: "\n")
            )
        }
        let start = standings.first?.windowStart ?? rule.window.start(at: now)
        let isEach = rule.scope.onlySubject == nil
        return ReportedBudget.Account(
            windowStart: start,
            renewsAt: rule.window.end(from: start),
            spent: subjects.reduce(0) { Self.sum($0, $1.spent) },
            reserved: subjects.reduce(0) { Self.sum($0, $1.reserved) },
            remaining: subjects.map(\.remaining).min() ?? rule.limit,
            subjects: isEach ? Array(subjects.prefix(ReportedBudget.subjectsMax)) : [],
            subjectCount: isEach ? subjects.count : 0
        )
    }

    /// Not below zero, also where a soft budget was overrun.
    private static func rest(of limit: Int64, _ spent: Int64, _ reserved: Int64) -> Int64 {
        let (left, isOver) = limit.subtractingReportingOverflow(Self.sum(spent, reserved))
        return isOver ? 0 : max(0, left)
    }

    private static func sum(_ left: Int64, _ right: Int64) -> Int64 {
        let (sum, isOver) = left.addingReportingOverflow(right)
        return isOver ? (right < 0 ? .min : .max) : sum
    }
}

extension Administration {
    /// Finds out how budgets stand: what the gateway counts, else what the ledger says.
    ///
    /// - Returns: What makes each of `budgets` into what is given out.
    func reporter(
        of budgets: [ListedBudget],
        for actor: Actor,
        _ counted: [BudgetBook.Standing],
        in session: any SQLSession
    ) throws(BudgetError) -> (ListedBudget) -> ReportedBudget {
        let now = self.surroundings.now()
        var board = BudgetBoard(counted)
        let unknown = budgets.map(\.rule).filter { !board.knows($0) }
        board.add(try BudgetStore().standings(of: unknown, at: now, in: session))
        let (viewer, whole) = (Permission.scope(of: actor), board)
        return { budget in
            ReportedBudget(
                id: budget.id,
                group: budget.group,
                rule: budget.rule,
                source: budget.source,
                account: whole.account(of: budget.rule, for: viewer, now: now)
            )
        }
    }

    /// One that was just made or changed.
    func reported(_ budget: Budget, for actor: Actor) async throws(GatewayError) -> ReportedBudget {
        let (listed, counted) = (ListedBudget(budget), self.surroundings.standings())
        return try await self.look(by: actor, needing: Permission(.groupAdmin)) { session in
            try self.reporter(of: [listed], for: actor, counted, in: session)(listed)
        }
    }

    /// Refuses what is in the settings file, and says where to change it.
    ///
    /// - Throws: `BudgetError.notFound` for a name that is not there, or not to be seen; else `CONFLICT`.
    static func refuseSettings(_ id: String, _ rules: [BudgetRule], for actor: Actor) throws {
        guard id.hasPrefix(ListedBudget.settingsPrefix) else { return }
        let visible = BudgetStore.Filter(visibleTo: Permission.scope(of: actor))
        let listed = rules.map { ListedBudget(settings: $0) }.first { $0.id == id }
        guard let listed, visible.includes(listed.rule, of: listed.group) else { throw BudgetError.notFound }
        throw GatewayError(
            .conflict,
            "This budget is in the settings file: change it there, under budgets.\(listed.rule.name); a saved file is "
                + "applied at once."
        )
    }

    /// A group's administrators change what one of them made.
    ///
    /// - Throws: `BudgetError.notFound` for what the actor does not even see, `FORBIDDEN` for the rest.
    static func checkReach(of actor: Actor, to budget: Budget) throws {
        guard actor.role != .systemAdmin else { return }
        let visible = BudgetStore.Filter(visibleTo: Permission.scope(of: actor))
        guard visible.includes(budget.rule, of: budget.group) else { throw BudgetError.notFound }
        guard budget.group == actor.group, budget.manager == .group else {
            throw GatewayError(.forbidden, "A system administrator set this budget; only one can change it.")
        }
    }
}
